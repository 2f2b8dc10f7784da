/** What an agent needs of the world: enrolment, configuration and the broker, behind one interface. */
import type { Left } from '@opmas/bus';
import type {
  AgentLogLine,
  ConfigFault,
  ConfigLayer,
  ControlReply,
  DeadLetter,
  Finding,
} from '@opmas/protocol';
import type { Clock } from '../clock.ts';
import type { WindowLog } from '../state/window-log.ts';
import type { Delivery } from '../work/delivery.ts';

/** A configuration as the server answered it. */
export interface FetchedConfig {
  version: number;
  hash: string;
  config: ConfigLayer;
}

/** What an agent keeps of its configurations for its next start. */
export interface KeptConfigs {
  /** In force. `starts`: how often the agent began with it before it had proven itself. */
  current: (FetchedConfig & { healthy: boolean; starts: number }) | null;
  /** What to go back to: the last one that proved itself, or, where none has, the one before (`proven` is false). */
  healthy: (FetchedConfig & { proven?: boolean }) | null;
  /** Not to be taken again, oldest first. */
  failed: readonly { hash: string; errors: ConfigFault[]; at: string }[];
}

/** What the runtime calls on the agent. None of them throws. */
export interface RuntimeHandlers {
  /** A message on the control subject, undecoded. */
  control(data: Uint8Array): Promise<ControlReply>;
  /** The connection came or went. */
  link(state: 'up' | 'down', reason: string): void;
  /** The server will not have this agent any more: it must end. */
  refused(error: unknown): void;
}

/** Core messages an agent sends of itself: lost ones are replaced by the next. */
export type Told = 'heartbeat' | 'status' | 'metrics';

/**
 * One agent instance's connection. Made for one agent object and used once: `open`, work, `close`.
 */
export interface AgentRuntime {
  readonly agentId: string;
  readonly agentName: string;
  readonly agentType: string;
  readonly version: string;
  readonly instanceId: string;
  readonly clock: Clock;
  /** Milliseconds from the signal to end until the process is killed; `limits.stopGraceMs` when nobody says. */
  readonly stopGraceMs?: number;
  /** The lowest layers of the configuration: topics and rules of the package. */
  readonly packageDefaults: ConfigLayer;
  /**
   * Enrols (or uses the cached credentials), connects, listens to control messages. Waits for ever for
   * a server or broker that is away; aborting `signal` ends the wait.
   * @throws {AgentError} when the server refuses the agent for good
   */
  open(handlers: RuntimeHandlers, signal: AbortSignal): Promise<void>;
  /** What an earlier start kept in the agent's folder; undefined when there is none, or it was damaged. */
  cachedConfigs(): Promise<KeptConfigs | undefined>;
  /** @throws {AgentError} when the server does not answer or refuses */
  fetchConfig(signal: AbortSignal): Promise<FetchedConfig>;
  /** Fresh credentials, with the rights the server gives now. @throws {AgentError} */
  renewAccess(): Promise<void>;
  /** Keeps them for the next start, whole or not at all. */
  keepConfigs(kept: KeptConfigs): Promise<void>;
  /**
   * Reads `topic` through the agent's durable consumer. `work` is called for one message after another;
   * the next comes when its promise resolves. The answer stops it and gives back what was prefetched.
   */
  consume(
    topic: string,
    options: { maxMessages: number },
    work: (delivery: Delivery) => Promise<void>,
  ): Promise<() => Promise<void>>;
  /**
   * What was stored for `topic` until this call and is not done. `unknown` for `limits.resendMs` after the start and
   * after each loss of the connection, and while something was given back.
   */
  left(topic: string): Promise<Left>;
  /** Where the windows of rules outlive the process. */
  readonly windowLog: WindowLog;
  /** Resolves when the broker has stored it; a repeated `finding_id` is stored once. */
  publishFinding(topic: string, finding: Finding): Promise<void>;
  /** Resolves when the broker has stored it; a repeated `id` is stored once. */
  publishDeadLetter(id: string, letter: DeadLetter): Promise<void>;
  tell(kind: Told, message: object): void;
  log(line: AgentLogLine): void;
  /** Sends what is written, then ends the connection. */
  close(): Promise<void>;
}
