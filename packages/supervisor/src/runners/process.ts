/** Runs each agent as a detached process of this machine, which outlives the host and is found again by it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { writeSync } from 'node:fs';
import { check, type Static, Type } from '@opmas/protocol';
import type { Exit } from '../exit-reason.ts';
import type { Handle } from '../instance.ts';
import { type Timing, timing } from '../limits.ts';
import { START_MARK, tailOf, withLogFile } from '../log-file.ts';
import { heapMegabytes } from '../policy.ts';
import type { Runner, RunnerEvent, StartSpec, Usage } from '../runner.ts';
import type { Command } from '../sandbox/command.ts';
import { noSandbox, type Sandbox } from '../sandbox/sandbox.ts';
import { type Ours, type ProcessTable, processTable } from './process-table.ts';

/** pid and start_time are null between "about to spawn" and "spawned". */
const ProcessHandle = Type.Object({
  runner: Type.Literal('process'),
  instance_id: Type.String(),
  boot_id: Type.String(),
  pid: Type.Union([Type.Integer({ minimum: 2 }), Type.Null()]),
  start_time: Type.Union([Type.String(), Type.Null()]),
});
type ProcessHandle = Static<typeof ProcessHandle>;

export interface ProcessRunnerOptions {
  /** The script that turns a package into a running agent. */
  runnerScript: string;
  /** Real path of the folder that holds the agents' state folders. */
  stateDir: string;
  node?: string;
  /** How agents are confined; absent: not at all. */
  sandbox?: Sandbox;
  table?: ProcessTable;
  timing?: Pick<Timing, 'adoptPollMs' | 'killMs'>;
}

interface Tracked {
  instanceId: string;
  pid: number;
  startTime: string;
  adopted: boolean;
  ended: Promise<void>;
  end: (exit: Exit) => void;
}

export function processRunner(options: ProcessRunnerOptions): Runner & { close(): void } {
  const { runnerScript, stateDir, node = process.execPath, table = processTable() } = options;
  const { sandbox = noSandbox } = options;
  const times = options.timing ?? timing;
  const tracked = new Map<string, Tracked>();
  const listeners = new Set<(event: RunnerEvent) => void>();
  const bootId = table.bootId();
  let poll: NodeJS.Timeout | undefined;

  const runs = (pid: number, startTime: string) => {
    const seen = table.look(pid);
    return seen !== undefined && !seen.zombie && seen.startTime === startTime;
  };

  const track = (instanceId: string, pid: number, startTime: string, adopted: boolean): Tracked => {
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    const end = (exit: Exit) => {
      if (!tracked.delete(instanceId)) return;
      killLeftovers(table, pid, startTime);
      resolve();
      for (const listener of listeners) listener({ kind: 'exited', instance_id: instanceId, exit });
    };
    const entry = { instanceId, pid, startTime, adopted, ended, end };
    tracked.set(instanceId, entry);
    if (adopted) poll ??= setInterval(pollAdopted, times.adoptPollMs);
    return entry;
  };

  const pollAdopted = () => {
    const adopted = [...tracked.values()].filter((entry) => entry.adopted);
    for (const entry of adopted) {
      if (!runs(entry.pid, entry.startTime)) entry.end({ code: null, signal: null });
    }
    if (adopted.length === 0) {
      clearInterval(poll);
      poll = undefined;
    }
  };

  const stopTracked = async (entry: Tracked, graceMs: number): Promise<boolean> => {
    send(table, entry, entry.pid, 'SIGTERM');
    if (await within(entry.ended, graceMs)) return true;
    send(table, entry, -entry.pid, 'SIGKILL');
    return await within(entry.ended, times.killMs);
  };

  return {
    capabilities: () => ({
      restarts: 'self',
      adopt: true,
      limits: ['heap'],
      stats: table.usage(process.pid) !== undefined,
    }),

    async start(spec, save) {
      const handle: ProcessHandle = {
        runner: 'process',
        instance_id: spec.instance_id,
        boot_id: bootId,
        pid: null,
        start_time: null,
      };
      await save(handle);
      const child = spawnDetached(
        sandbox.command(node, argumentsOf(runnerScript, spec), spec),
        spec,
      );
      const pid = await spawnedPid(child);
      // A child that died at once still has its entry: it is collected only after this turn.
      const startTime = table.look(pid)?.startTime ?? '';
      const entry = track(spec.instance_id, pid, startTime, false);
      child.once('exit', (code, signal) => entry.end({ code, signal }));
      if (child.exitCode !== null || child.signalCode !== null) {
        entry.end({ code: child.exitCode, signal: child.signalCode });
      }
      await save({ ...handle, pid, start_time: startTime });
    },

    recover(handle) {
      return Promise.resolve(recovered(handle));
    },

    async reap(known) {
      const strays = table.ours(stateDir).filter((one) => !known.has(one.instanceId));
      await Promise.all(strays.map(stopStray));
      return strays.length;
    },

    async stop(handle, { graceMs }) {
      const entry = tracked.get(handle.instance_id);
      return entry === undefined ? true : await stopTracked(entry, graceMs);
    },

    events(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },

    stats(handles) {
      return handles.flatMap((handle): Usage[] => {
        const entry = tracked.get(handle.instance_id);
        const usage = entry === undefined ? undefined : table.usage(entry.pid);
        return usage === undefined ? [] : [{ instance_id: handle.instance_id, ...usage }];
      });
    },

    logs: (spec, { tail }) => tailOf(spec.log_file, tail),

    /** Stops looking at adopted processes; they go on. */
    close() {
      clearInterval(poll);
      poll = undefined;
      listeners.clear();
    },
  };

  function recovered(handle: Handle): Handle | undefined {
    if (!check(ProcessHandle, handle) || handle.boot_id !== bootId) return undefined;
    const pid = handle.pid ?? spawnedUnrecorded(handle.instance_id);
    if (pid === undefined) return undefined;
    const seen = table.look(pid);
    if (seen === undefined || seen.zombie) return undefined;
    if (handle.start_time !== null && handle.start_time !== seen.startTime) return undefined;
    const instance = table.instanceOf(pid);
    if (instance !== undefined && instance !== handle.instance_id) return undefined;
    track(handle.instance_id, pid, seen.startTime, true);
    return { ...handle, pid, start_time: seen.startTime };
  }

  /** The host died between spawn and save: its child carries the instance id. */
  function spawnedUnrecorded(instanceId: string): number | undefined {
    return table.ours(stateDir).find((one) => one.instanceId === instanceId && one.leader)?.pid;
  }

  async function stopStray(stray: Ours): Promise<void> {
    const seen = table.look(stray.pid);
    if (seen === undefined || seen.zombie) return;
    const { pid } = stray;
    const entry = track(`stray-${pid}`, pid, seen.startTime, true);
    await stopTracked(entry, times.killMs);
  }
}

function argumentsOf(runnerScript: string, spec: StartSpec): string[] {
  const heap = heapMegabytes(spec.limits.memory_bytes);
  return [
    ...(heap === undefined ? [] : [`--max-old-space-size=${heap}`]),
    runnerScript,
    '--package',
    spec.package_dir,
    '--state',
    spec.state_dir,
  ];
}

/** Own session, output to the log file, no pipe and no channel: nothing that dies with the host. */
function spawnDetached({ file, args }: Command, spec: StartSpec): ChildProcess {
  return withLogFile(spec.log_file, (descriptor) => {
    writeSync(
      descriptor,
      `${START_MARK} ${new Date().toISOString()} instance ${spec.instance_id}\n`,
    );
    return spawn(file, args, {
      cwd: spec.state_dir,
      env: { ...spec.env },
      detached: true,
      stdio: ['ignore', descriptor, descriptor],
    });
  });
}

function spawnedPid(child: ChildProcess): Promise<number> | number {
  if (child.pid !== undefined) {
    // Without a listener a later failure to signal would end the host.
    child.on('error', () => undefined);
    return child.pid;
  }
  return new Promise((_, reject) => {
    child.once('error', (cause) =>
      reject(new Error(`the process could not be started: ${cause.message}`, { cause })),
    );
  });
}

/** Signals a process (or, negative, its group) only while it is the one we mean. */
function send(table: ProcessTable, entry: Tracked, target: number, signal: NodeJS.Signals): void {
  const seen = table.look(entry.pid);
  if (seen === undefined || seen.startTime !== entry.startTime) return;
  signalQuietly(target, signal);
  if (target < 0) signalQuietly(entry.pid, signal);
}

/** What a dead agent started itself must not go on; its group id is not given to others while they live. */
function killLeftovers(table: ProcessTable, pid: number, startTime: string): void {
  const seen = table.look(pid);
  if (seen === undefined || seen.startTime === startTime) signalQuietly(-pid, 'SIGKILL');
}

function signalQuietly(target: number, signal: NodeJS.Signals): void {
  try {
    process.kill(target, signal);
  } catch (error) {
    // Gone already, no group of its own, or a number that another user's process has by now.
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code !== 'ESRCH' && code !== 'EPERM') throw error;
  }
}

/** Did `event` come within `ms`? */
async function within(event: Promise<void>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), ms);
  });
  try {
    return await Promise.race([event.then(() => true as const), late]);
  } finally {
    clearTimeout(timer);
  }
}
