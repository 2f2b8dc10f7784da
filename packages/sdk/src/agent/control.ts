/** The commands an agent obeys (`opmas.control.<agent_name>[.<instance_id>]`) and how each is answered. */
import {
  type ConfigLayer,
  type ConfigOutcome,
  ControlMessage,
  type ControlReply,
  isPlainObject,
  parse,
} from '@opmas/protocol';
import type { Clock } from '../clock.ts';
import { AgentError, describeFaults, faultsIn, messageOf } from '../errors.ts';
import { limits } from '../limits.ts';
import { levelOf } from '../logger.ts';
import type { Offer } from './config-source.ts';

/** What the commands do; each is a member of the agent. */
export interface ControlPorts {
  clock: Clock;
  /** Takes a configuration over, whole or not at all. */
  offerConfig(offer: Offer, deadline: number | undefined): Promise<void>;
  runningHash(): string;
  setLogLevel(level: string): void;
  /** Ends the agent after the answer has been sent. */
  end(reason: 'stop' | 'restart'): void;
  drain(): Promise<void>;
  health(): Promise<object>;
  diagnostics(): Promise<object>;
}

/** Does what `message` says and returns data for the answer. @throws what the command throws */
export async function obey(message: ControlMessage, ports: ControlPorts): Promise<unknown> {
  if (message.deadline !== undefined && Date.parse(message.deadline) < ports.clock.now()) {
    throw new AgentError('OPMAS_TIMEOUT', `its deadline ${message.deadline} has passed`);
  }
  const payload = message.payload ?? {};
  switch (message.command) {
    case 'update_config':
      await ports.offerConfig(offerOf(payload), deadlineOf(message));
      return { running_hash: ports.runningHash(), attempted_hash: ports.runningHash() };
    case 'restart':
    case 'stop':
      ports.end(message.command);
      return undefined;
    case 'drain':
      await ports.drain();
      return undefined;
    case 'set_log_level': {
      const wanted = payload['level'] ?? payload['log_level'];
      const level = typeof wanted === 'string' ? levelOf(wanted) : undefined;
      if (level === undefined) {
        throw new AgentError(
          'OPMAS_INVALID_REQUEST',
          'payload.level must be DEBUG, INFO, WARNING, ERROR or CRITICAL',
        );
      }
      ports.setLogLevel(level);
      return { level };
    }
    case 'health':
      return ports.health();
    case 'diagnostics':
      return ports.diagnostics();
  }
}

function deadlineOf({ deadline }: ControlMessage): number | undefined {
  return deadline === undefined ? undefined : Date.parse(deadline);
}

/**
 * A payload with `config` alone is merged over the current one; with its `hash` it is the whole
 * document; without `config` the server is asked.
 */
function offerOf(payload: Record<string, unknown>): Offer {
  const { config, version, hash, retry } = payload;
  if (config !== undefined && !isPlainObject(config)) {
    throw new AgentError('OPMAS_INVALID_REQUEST', 'payload.config must be an object');
  }
  return {
    ...(config === undefined ? {} : { config: config as ConfigLayer }),
    ...(typeof version === 'number' && Number.isInteger(version) ? { version } : {}),
    ...(typeof hash === 'string' && hash.length <= 64 ? { hash } : {}),
    retry: retry === true,
  };
}

/** What an `update_config` that was not obeyed came to. */
export function refusalOf(
  message: ControlMessage,
  error: unknown,
  runningHash: string | null,
): ConfigOutcome | undefined {
  if (message.command !== 'update_config') return undefined;
  const hash = message.payload?.['hash'];
  const isVerdict = error instanceof AgentError && error.code === 'OPMAS_INVALID_CONFIGURATION';
  return {
    running_hash: runningHash,
    attempted_hash: typeof hash === 'string' ? hash.slice(0, 64) : null,
    errors: faultsIn(error),
    ...(isVerdict ? {} : { transient: true }),
  };
}

/**
 * Turns the bytes of a control message into an answer. A repeated `command_id` is answered as before
 * and not obeyed again. Never rejects.
 */
export class ControlDoor {
  readonly #handle: (message: ControlMessage) => Promise<ControlReply>;
  readonly #refuse: (error: string) => ControlReply;
  readonly #answered = new Map<string, Promise<ControlReply>>();

  constructor(
    handle: (message: ControlMessage) => Promise<ControlReply>,
    refuse: (error: string) => ControlReply,
  ) {
    this.#handle = handle;
    this.#refuse = refuse;
  }

  async receive(data: Uint8Array): Promise<ControlReply> {
    let value: unknown;
    try {
      value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(data));
    } catch (error) {
      return this.#refuse(`the control message is not JSON: ${messageOf(error)}`);
    }
    const parsed = parse(ControlMessage, value);
    if (!parsed.ok) return this.#refuse(`not a control message: ${describeFaults(parsed.errors)}`);
    const id = parsed.value.command_id;
    if (id === undefined) return this.#handle(parsed.value);
    const before = this.#answered.get(id);
    if (before !== undefined) return before;
    const answer = this.#handle(parsed.value);
    this.#answered.set(id, answer);
    const oldest = this.#answered.keys().next().value;
    if (this.#answered.size > limits.rememberedCommands && oldest !== undefined) {
      this.#answered.delete(oldest);
    }
    return answer;
  }
}
