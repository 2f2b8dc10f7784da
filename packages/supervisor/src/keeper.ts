/** Keeps one agent as the server wants it: asks `nextStep`, does that one thing, asks again. */
import type { DesiredAgent, Heartbeat, InstanceReport, InstanceState } from '@opmas/protocol';
import { type AgentFiles, forgetIdentity } from './agent-files.ts';
import { type Exit, exitReason, telling } from './exit-reason.ts';
import { type AgentRecord, ALIVE, type Handle, mayMove } from './instance.ts';
import { prepareLaunch } from './launch.ts';
import { limits, type Timing } from './limits.ts';
import type { Clock, HostLink, Log } from './link.ts';
import { afterFailure, freshLadder, unansweredDelayMs } from './policy.ts';
import { nextStep } from './reconcile.ts';
import type { Runner } from './runner.ts';
import type { StartGate } from './start-gate.ts';
import { type Vigil, vigil } from './vigil.ts';

export interface KeeperDeps {
  runner: Runner;
  link: HostLink;
  gate: StartGate;
  files: AgentFiles;
  clock: Clock;
  random: () => number;
  newId: () => string;
  times: Timing;
  /** Resolves when the record as it is now is on disk. */
  save: () => Promise<void>;
  /** The report has something new to say. */
  changed: () => void;
  /** The agent is stopped and not wanted: the host drops it. */
  forgotten: () => void;
  log: Log;
}

/** Why the host itself ends a process that should run. */
type Cause = 'unresponsive' | 'start_timeout';

export class Keeper {
  readonly record: AgentRecord;
  readonly #deps: KeeperDeps;
  #desired: DesiredAgent | undefined;
  #busy: Promise<void> | undefined;
  /** `watching`: sees what happens, but starts and stops nothing. */
  #phase: 'watching' | 'open' | 'leaving' = 'watching';
  #cause: Cause | undefined;
  #stopReason: string | undefined;
  #vigil: Vigil | undefined;
  /** Monotonic time from which the start time-out counts. */
  #startedMono = 0;
  #unanswered = 0;
  #cancelTimer: (() => void) | undefined;
  #leaveGate: (() => void) | undefined;
  #noLaunch: AbortController | undefined;

  constructor(record: AgentRecord, deps: KeeperDeps) {
    this.record = record;
    this.#desired = record.desired;
    this.#deps = deps;
  }

  /** The server's wish; undefined: stop and forget. */
  desire(desired: DesiredAgent | undefined): void {
    this.#desired = desired;
    if (desired !== undefined) {
      this.record.desired = desired;
      const { launched } = this.record;
      // A database restored from a backup counts from lower again: follow it, or later commands are lost.
      if (launched !== null && desired.generation < launched.generation) {
        launched.generation = desired.generation;
      }
    }
    if (desired?.desired !== 'running') this.#noLaunch?.abort();
    this.#deps.changed();
    this.wake();
  }

  /**
   * What the run file remembers, after the runner looked: `handle` when the process is still there.
   * `sameBoot` false: the machine was restarted, and nobody failed.
   */
  recovered(handle: Handle | undefined, sameBoot: boolean): void {
    const { record } = this;
    if (!ALIVE.has(record.state)) return;
    if (handle !== undefined) {
      record.handle = handle;
      record.state = record.ready_at === null ? 'starting' : 'ready';
      this.#watch();
      return;
    }
    record.handle = null;
    if (record.state === 'stopping' || !sameBoot)
      this.#move('stopped', 'the machine was restarted');
    else this.#failed({ code: null, signal: null }, 'ended while no host was watching');
  }

  /** A heartbeat of this agent's name; only one of this very instance counts. */
  heard(beat: Heartbeat): void {
    const { record } = this;
    if (beat.instance_id === undefined || beat.instance_id !== record.instance_id) {
      const told = { agent: record.desired.agent_name, instance_id: beat.instance_id };
      this.#deps.log.debug(told, 'heartbeat of another instance');
      return;
    }
    this.#vigil?.heard(this.#deps.clock.monotonic(), beat.interval);
    if (record.state !== 'starting') return;
    record.ready_at = this.#deps.clock.now();
    this.#move('ready', null);
  }

  /** The instance ended. */
  exited(instanceId: string, exit: Exit): void {
    const { record } = this;
    if (instanceId !== record.instance_id || !ALIVE.has(record.state)) return;
    const cause = this.#cause;
    if (record.state === 'stopping' && cause === undefined) {
      record.handle = null;
      this.#move('stopped', this.#stopReason ?? null);
      this.wake();
      return;
    }
    this.#run(async () => {
      const tail = await this.#tail();
      if (record.instance_id === instanceId && ALIVE.has(record.state))
        this.#failed(exit, cause, tail);
    });
  }

  /** Called every second: start time-out and silence, judged only while the host could hear. */
  tick(listeningSince: number | undefined): void {
    const { clock, times } = this.#deps;
    if (listeningSince === undefined || this.#busy !== undefined) return;
    const now = clock.monotonic();
    if (this.record.state === 'starting') {
      const since = Math.max(this.#startedMono, listeningSince);
      if (now - since > times.startMs) this.#end('start_timeout');
    } else if (
      this.record.state === 'ready' &&
      this.#vigil?.overdue(now, listeningSince) === true
    ) {
      this.#end('unresponsive');
    }
  }

  /** The server's wishes are known (or not to be had): from now on act on them. */
  open(): void {
    if (this.#phase !== 'watching') return;
    this.#phase = 'open';
    this.wake();
  }

  /** Does the next thing there is to do, if nothing is being done. */
  wake(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    if (this.#busy !== undefined || this.#phase !== 'open') return;
    const { clock } = this.#deps;
    const step = nextStep(this.#desired, this.record, clock.now());
    switch (step.do) {
      case 'launch':
        return this.#run(() => this.#launch(step.fresh));
      case 'stop':
        this.#stopReason = this.record.state === 'stopping' ? this.#stopReason : step.reason;
        return this.#run(() => this.#stop());
      case 'settle':
        return this.#move('stopped', 'stopped on request');
      case 'forget':
        return this.#run(() => this.#forget());
      case 'wait':
        this.#cancelTimer = clock.after(step.ms, () => this.wake());
        return;
      case 'nothing':
        return;
    }
  }

  /** Stops the process, starts nothing any more; the record keeps what is wanted. */
  async close(reason: string): Promise<void> {
    this.leave();
    while (this.#busy !== undefined) await this.#busy;
    if (!ALIVE.has(this.record.state)) return;
    this.#stopReason = reason;
    this.#cause = undefined;
    await this.#stop();
  }

  /** Starts and stops nothing any more; a process goes on. */
  leave(): void {
    this.#phase = 'leaving';
    this.#noLaunch?.abort();
    this.#cancelTimer?.();
  }

  report(): InstanceReport {
    const { record } = this;
    return {
      agent_id: record.desired.agent_id,
      agent_name: record.desired.agent_name,
      instance_id: record.instance_id,
      state: record.state,
      reason: record.reason?.slice(0, limits.reasonChars) ?? null,
      pid: pidOf(record.handle),
      started_at: iso(record.started_at),
      restarts: record.restarts,
      next_start_at: iso(record.next_start_at),
      generation: this.#generation(),
    };
  }

  /** The wish that the reported state answers: a stop is answered once no process is left. */
  #generation(): number {
    const { state, desired, launched } = this.record;
    const stopped = state === 'stopped' && desired.desired === 'stopped';
    return launched === null || stopped ? desired.generation : launched.generation;
  }

  async #launch(fresh: boolean): Promise<void> {
    const { gate, link, files, times, newId, runner, log } = this.#deps;
    const { record } = this;
    const desired = record.desired;
    this.#noLaunch = new AbortController();
    if (gate.full()) {
      record.reason = 'waiting for a free start place';
      this.#deps.changed();
    }
    this.#leaveGate = await gate.enter(this.#noLaunch.signal);
    if (this.#leaveGate === undefined) return;
    const instanceId = newId();
    const input = { desired, files, instanceId, kept: record.ticket, link, times };
    const prepared = await prepareLaunch(input);
    if (this.#noLaunch.signal.aborted) return this.#releaseGate();
    record.launched = { generation: desired.generation, package_dir: desired.package_dir };
    record.instance_id = instanceId;
    if (fresh) record.ladder = freshLadder();
    if (prepared.kind === 'unanswered') return this.#waitForAnswer(prepared.reason);
    if (prepared.kind === 'altered') return this.#quarantine(prepared.reason);
    if (prepared.kind === 'refused') return this.#countFailure(prepared.reason);
    if (prepared.dropped.length > 0) {
      const told = { agent: desired.agent_name, dropped: prepared.dropped.slice(0, 20) };
      log.warn(told, "the launch ticket names variables that are not the agents' layer");
    }
    record.ticket = prepared.ticket;
    record.started_at = this.#deps.clock.now();
    record.ready_at = null;
    if (record.ladder.attempts > 0) record.restarts += 1;
    this.#unanswered = 0;
    this.#cause = undefined;
    this.#stopReason = undefined;
    this.#move('starting', null);
    try {
      await runner.start(prepared.spec, async (handle) => {
        if (ALIVE.has(record.state)) record.handle = handle;
        if (pidOf(handle) !== null) this.#watch();
        this.#deps.changed();
        await this.#deps.save();
      });
    } catch (error) {
      if (pidOf(record.handle) !== null) throw error;
      this.#countFailure(error instanceof Error ? error.message : String(error));
    }
  }

  async #stop(): Promise<void> {
    const { record } = this;
    const { runner, times, log } = this.#deps;
    const { handle } = record;
    this.#move('stopping', this.#cause ?? this.#stopReason ?? null);
    const gone =
      handle === null ||
      (await runner.stop(handle, { signal: 'SIGTERM', graceMs: times.stopGraceMs }));
    if (!gone) {
      log.error({ agent: record.desired.agent_name, handle }, 'still there after SIGKILL');
      record.reason = 'cannot be killed: the kernel holds its process';
    } else if (ALIVE.has(record.state) && this.#cause === undefined) {
      record.handle = null;
      this.#move('stopped', this.#stopReason ?? null);
    }
    await this.#deps.save();
  }

  async #forget(): Promise<void> {
    await forgetIdentity(this.#deps.files);
    if (this.#desired !== undefined) return;
    this.leave(); // or it would go on forgetting, under the feet of its successor
    this.#deps.forgotten();
  }

  #end(cause: Cause): void {
    this.#cause = cause;
    this.#run(() => this.#stop());
  }

  /** The end of the agent's log; empty when it cannot be read, which must not keep it from starting. */
  async #tail(): Promise<string[]> {
    const { runner, files, log } = this.#deps;
    try {
      return await runner.logs({ log_file: files.logFile }, { tail: limits.tailLines });
    } catch (error) {
      log.warn({ err: error, file: files.logFile }, "the agent's log cannot be read");
      return [];
    }
  }

  /** The process ended and should not have. */
  #failed(exit: Exit, cause: string | undefined, tail: readonly string[] = []): void {
    const why = exitReason(exit, tail);
    const hint = why.kind === 'killed' || cause !== undefined ? undefined : telling(tail);
    const text = `${cause === undefined ? why.text : (CAUSES[cause] ?? cause)}${hint === undefined ? '' : `: ${hint}`}`;
    if (why.kind === 'config' && cause === undefined) {
      this.record.handle = null;
      this.#move('waiting_config', text);
    } else this.#countFailure(text);
  }

  #countFailure(reason: string): void {
    const { record } = this;
    const { clock, random } = this.#deps;
    const at = clock.now();
    const readyMs = record.ready_at === null ? 0 : Math.max(0, at - record.ready_at);
    const verdict = afterFailure(record.ladder, { at, readyMs }, random);
    record.handle = null;
    record.ready_at = null;
    record.ladder = verdict.ladder;
    record.next_start_at = at + verdict.delayMs;
    this.#move(verdict.state, reason);
  }

  #waitForAnswer(reason: string): void {
    const { clock, random } = this.#deps;
    this.#unanswered += 1;
    this.record.next_start_at = clock.now() + unansweredDelayMs(this.#unanswered, random);
    this.#move(this.record.ladder.crash_loop ? 'failed' : 'backoff', reason);
  }

  /** Nothing ran, so nothing is counted; until the files are right again no start is tried for real. */
  #quarantine(reason: string): void {
    const { clock, times } = this.#deps;
    this.record.next_start_at = clock.now() + times.alteredMs;
    this.#move('failed', reason);
  }

  #move(state: InstanceState, reason: string | null): void {
    const { record } = this;
    const { log, changed, save } = this.#deps;
    if (!mayMove(record.state, state)) throw new Error(`no move from ${record.state} to ${state}`);
    const told = { agent: record.desired.agent_name, from: record.state, to: state, reason };
    log.info({ ...told, instance_id: record.instance_id }, `agent ${state}`);
    record.state = state;
    record.reason = reason;
    if (state !== 'backoff' && state !== 'failed') record.next_start_at = null;
    if (state !== 'starting') this.#releaseGate();
    if (!ALIVE.has(state)) this.#vigil = undefined;
    changed();
    save().catch((error: unknown) => log.error({ err: error }, 'the run file cannot be written'));
  }

  /** From now on the agent's silence counts. */
  #watch(): void {
    this.#startedMono = this.#deps.clock.monotonic();
    this.#vigil ??= vigil(this.#startedMono);
  }

  #releaseGate(): void {
    this.#leaveGate?.();
    this.#leaveGate = undefined;
  }

  /** One thing at a time; when it is done, the next. */
  #run(operation: () => Promise<void>): void {
    const before = this.#busy ?? Promise.resolve();
    const mine = before.then(operation).catch((error: unknown) => {
      const { log, changed } = this.#deps;
      log.error(
        { err: error, agent: this.record.desired.agent_name },
        'the host failed at an agent',
      );
      this.record.reason = `host: ${error instanceof Error ? error.message : String(error)}`;
      changed();
      this.#releaseGate();
      this.#later();
    });
    this.#busy = mine;
    void mine.then(() => {
      if (this.#busy !== mine) return;
      this.#busy = undefined;
      if (this.#cancelTimer === undefined) this.wake();
    });
  }

  /** After a fault of the host itself (a full disk): the same again, not at once. */
  #later(): void {
    const { clock, times } = this.#deps;
    this.#cancelTimer = clock.after(times.tickMs, () => this.wake());
  }
}

const CAUSES: Readonly<Record<string, string>> = {
  unresponsive: 'unresponsive: three heartbeats missed, so it was stopped',
  start_timeout: 'no heartbeat in time after its start, so it was stopped',
};

function pidOf(handle: Handle | null): number | null {
  const pid = handle?.['pid'];
  return typeof pid === 'number' ? pid : null;
}

function iso(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString();
}
