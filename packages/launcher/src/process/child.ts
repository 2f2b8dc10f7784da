/** One child of `opmas up`: started in its own session, waited for, revived when it dies, stopped with grace. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { privateDir, removeFile, writeJson } from '../data/files.ts';
import { LaunchError, messageOf } from '../errors.ts';
import { limits } from '../limits.ts';
import { Backoff } from './backoff.ts';
import { identityOf } from './identity.ts';
import { sendSignal } from './leftovers.ts';
import { openLog, readLog, rotateLog, sizeOf } from './log-file.ts';
import { type ReadyDetails, readReadyLine } from './ready-line.ts';
import type { Command } from './wrapper.ts';

export interface ChildPlan {
  name: string;
  /** Runs before every start, revivals included; may refuse by throwing. */
  prepare?: () => Promise<void>;
  /** Asked anew at every start: a port or credential may have moved on. */
  command: () => Command & { env: Record<string, string>; cwd: string };
  /** `line`: the child writes its ready line to fd 3. A function is asked until it gives details. */
  ready: 'line' | (() => Promise<ReadyDetails | undefined>);
  readyTimeoutMs: number;
  stopSignal: NodeJS.Signals;
  graceMs: number;
  /** Sent when the grace is over, before SIGKILL to the group. */
  hardSignal?: NodeJS.Signals;
  logFile: string;
  pidFile: string;
  /** false: once ready it is left to die (tests, and parts that must not come back by themselves). */
  revive?: boolean;
}

export type ChildEvent =
  | { kind: 'started'; name: string; pid: number; ms: number }
  | { kind: 'exited'; name: string; reason: string; restartInMs: number }
  | { kind: 'restart_failed'; name: string; reason: string; restartInMs: number }
  | { kind: 'stopped'; name: string; ms: number }
  | { kind: 'log_rotated'; name: string }
  | { kind: 'warning'; name: string; text: string };

export interface ChildOptions {
  onEvent?: (event: ChildEvent) => void;
}

/** Exit code of a child that cannot work with its settings. */
export const EXIT_CONFIG = 78;

export class Child {
  readonly plan: ChildPlan;
  #onEvent: (event: ChildEvent) => void;
  #process: ChildProcess | undefined;
  #backoff = new Backoff();
  #stopping = new AbortController();
  #life: Promise<void> = Promise.resolve();
  #logTimer: NodeJS.Timeout | undefined;
  #details: ReadyDetails = {};

  constructor(plan: ChildPlan, options: ChildOptions = {}) {
    this.plan = plan;
    this.#onEvent = options.onEvent ?? (() => {});
  }

  /** The pid while it runs. */
  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** What the last ready line said. */
  get details(): ReadyDetails {
    return this.#details;
  }

  /**
   * Starts the child and waits until it is ready; from then on it is revived when it dies.
   * @throws {LaunchError} when it ends or stays silent; nothing of it is left then
   */
  async start(): Promise<ReadyDetails> {
    await this.#launch();
    if (this.plan.revive ?? true) this.#life = this.#revive();
    this.#logTimer = setInterval(() => this.#rotate(), limits.logCheckMs);
    this.#logTimer.unref();
    return this.#details;
  }

  /** Asks the running process to end; it is started again with a command asked for anew. */
  restart(): void {
    const child = this.#process;
    if (child?.pid !== undefined && isRunning(child)) sendSignal(child.pid, this.plan.stopSignal);
  }

  /** Tells the running process to read its configuration again, where SIGHUP means that to it. */
  reload(): void {
    const child = this.#process;
    if (child?.pid !== undefined && isRunning(child)) sendSignal(child.pid, 'SIGHUP');
  }

  /** Stop signal, grace, hard signal, SIGKILL to the group. After return nothing of it runs. */
  async stop(): Promise<void> {
    const began = performance.now();
    this.#stopping.abort();
    clearInterval(this.#logTimer);
    await this.#end();
    await this.#life;
    await this.#end(); // a revival may have been under way
    removeFile(this.plan.pidFile);
    this.#onEvent({ kind: 'stopped', name: this.plan.name, ms: performance.now() - began });
  }

  async #launch(): Promise<void> {
    const began = performance.now();
    await this.plan.prepare?.();
    if (this.#stopping.signal.aborted) throw new Error(`${this.plan.name} is being stopped`);
    const logStart = sizeOf(this.plan.logFile);
    const child = this.#spawn();
    try {
      const identity = child.pid === undefined ? undefined : identityOf(child.pid);
      if (identity !== undefined) writeJson(this.plan.pidFile, identity);
      this.#details = await this.#waitReady(child);
    } catch (error) {
      await this.#end();
      throw this.#startError(child, error, logStart);
    }
    const ms = performance.now() - began;
    this.#onEvent({ kind: 'started', name: this.plan.name, pid: child.pid ?? 0, ms });
  }

  #spawn(): ChildProcess {
    const { file, args, env, cwd } = this.plan.command();
    const log = openLog(this.plan.logFile);
    try {
      privateDir(cwd);
      const ready = this.plan.ready === 'line' ? 'pipe' : 'ignore';
      const stdio = ['ignore', log, log, ready] as const;
      const child = spawn(file, [...args], { env, cwd, detached: true, stdio: [...stdio] });
      child.on('error', () => {}); // spawn failures surface as a missing pid, handled below
      this.#process = child;
      return child;
    } finally {
      closeSync(log);
    }
  }

  async #waitReady(child: ChildProcess): Promise<ReadyDetails> {
    if (child.pid === undefined) throw new Error(`cannot run ${child.spawnfile}`);
    const over = new AbortController();
    const { ready, readyTimeoutMs } = this.plan;
    const timeout = delay(readyTimeoutMs, undefined, { signal: over.signal }).then(() => {
      throw new Error(`not ready within ${readyTimeoutMs / 1000} s`);
    });
    const exit = exitOf(child).then((reason) => {
      throw new Error(reason);
    });
    const told =
      ready === 'line'
        ? readReadyLine(child.stdio[3] as Readable, limits.readyLineBytes)
        : pollReady(ready, over.signal);
    exit.catch(() => {}); // once ready, the exit is handled by #revive
    timeout.catch(() => {});
    try {
      return await Promise.race([told, exit, timeout]);
    } finally {
      over.abort();
      told.catch(() => {});
    }
  }

  async #revive(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      const child = this.#process;
      this.#backoff.ready();
      const reason = child === undefined ? 'gone' : await exitOf(child);
      if (signal.aborted) return;
      let wait = this.#backoff.next();
      this.#onEvent({ kind: 'exited', name: this.plan.name, reason, restartInMs: wait });
      for (;;) {
        await delay(wait, undefined, { signal }).catch(() => {});
        if (signal.aborted) return;
        try {
          await this.#launch();
          break;
        } catch (error) {
          if (signal.aborted) return;
          wait = this.#backoff.next();
          const failed = { kind: 'restart_failed', name: this.plan.name } as const;
          this.#onEvent({ ...failed, reason: messageOf(error), restartInMs: wait });
        }
      }
    }
  }

  async #end(): Promise<void> {
    const child = this.#process;
    if (child?.pid === undefined) return;
    const { stopSignal, graceMs, hardSignal } = this.plan;
    if (isRunning(child)) {
      sendSignal(child.pid, stopSignal);
      await exitWithin(child, graceMs);
    }
    if (isRunning(child) && hardSignal !== undefined) {
      sendSignal(child.pid, hardSignal);
      await exitWithin(child, limits.killMs);
    }
    // The group too, whether or not its leader is gone: it may have left helpers behind.
    sendSignal(-child.pid, 'SIGKILL');
    if (isRunning(child)) await exitWithin(child, limits.killMs);
  }

  #rotate(): void {
    const { name, logFile } = this.plan;
    try {
      if (rotateLog(logFile)) this.#onEvent({ kind: 'log_rotated', name });
    } catch (error) {
      this.#onEvent({ kind: 'warning', name, text: `cannot cut ${logFile}: ${messageOf(error)}` });
    }
  }

  #startError(child: ChildProcess, error: unknown, logStart: number): LaunchError {
    const tail = readLog(this.plan.logFile, logStart).trimEnd();
    const config = child.exitCode === EXIT_CONFIG;
    const reason = config ? 'its settings are wrong' : messageOf(error);
    return new LaunchError(
      config ? 'child_config' : 'child_failed',
      `${this.plan.name} did not start: ${reason}${tail === '' ? '' : `\n${tail}`}`,
      config ? 'Correct the settings named above.' : `See ${this.plan.logFile}.`,
      { cause: error },
    );
  }
}

function isRunning(child: ChildProcess): boolean {
  return child.exitCode === null && child.signalCode === null;
}

/** Resolves with how it ended; at once when it has. */
async function exitOf(child: ChildProcess): Promise<string> {
  if (isRunning(child)) await once(child, 'exit');
  return child.signalCode === null
    ? `ended with exit code ${child.exitCode}`
    : `ended by ${child.signalCode}`;
}

async function exitWithin(child: ChildProcess, ms: number): Promise<void> {
  const over = new AbortController();
  const timeout = delay(ms, undefined, { signal: over.signal }).catch(() => {});
  await Promise.race([exitOf(child), timeout]);
  over.abort();
}

/** Asks every 10 ms until there is an answer or the wait is over. */
async function pollReady(
  ask: () => Promise<ReadyDetails | undefined>,
  signal: AbortSignal,
): Promise<ReadyDetails> {
  while (!signal.aborted) {
    const details = await ask();
    if (details !== undefined) return details;
    await delay(10, undefined, { signal });
  }
  throw new Error('no longer waited for');
}
