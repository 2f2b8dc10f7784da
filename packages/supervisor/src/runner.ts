/** What the host asks of whatever runs agents: local processes now, other engines behind the same seven calls. */
import type { DesiredAgent } from '@opmas/protocol';
import type { Exit } from './exit-reason.ts';
import type { Handle } from './instance.ts';

export interface RunnerCapabilities {
  /** `delegated`: the engine restarts by itself, the host must not. */
  restarts: 'self' | 'delegated';
  /** Can it find its processes again after the host died? */
  adopt: boolean;
  /** Which limits of a start specification it enforces. */
  limits: readonly ('heap' | 'memory' | 'cpu')[];
  stats: boolean;
}

/** All a runner needs to start one instance. Paths are absolute. */
export interface StartSpec {
  agent_id: string;
  agent_name: string;
  instance_id: string;
  package_dir: string;
  state_dir: string;
  log_file: string;
  env: Readonly<Record<string, string>>;
  limits: DesiredAgent['limits'];
}

export interface RunnerEvent {
  kind: 'exited';
  instance_id: string;
  exit: Exit;
}

export interface Usage {
  instance_id: string;
  rss_bytes: number;
  /** User and system time since the start. */
  cpu_seconds: number;
}

export interface Runner {
  capabilities(): RunnerCapabilities;
  /**
   * Starts one instance. `save` is called (and awaited) with a handle before anything runs, and
   * again as soon as the process is known, so that a host killed in between finds it.
   * @throws when nothing was started.
   */
  start(spec: StartSpec, save: (handle: Handle) => Promise<void>): Promise<void>;
  /** Adopts what `handle` stands for and returns the completed handle; undefined when it is gone. */
  recover(handle: Handle): Promise<Handle | undefined>;
  /** Stops every instance that is ours but not among `known`; returns how many there were. */
  reap(known: ReadonlySet<string>): Promise<number>;
  /** Signals, waits `graceMs`, then kills. False when it is still there after that. */
  stop(handle: Handle, options: { signal: 'SIGTERM'; graceMs: number }): Promise<boolean>;
  /** Calls `listener` for every end of a started or adopted instance; returns the way out. */
  events(listener: (event: RunnerEvent) => void): () => void;
  /** Usage of those that still run. */
  stats(handles: readonly Handle[]): Usage[];
  /** The last lines the instance wrote. */
  logs(spec: Pick<StartSpec, 'log_file'>, options: { tail: number }): Promise<string[]>;
}
