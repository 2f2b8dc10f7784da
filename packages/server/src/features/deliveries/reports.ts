/** Words of instances on their configuration, kept in memory until they are written together. */
import type { AgentStatusReport, ConfigFault, ConfigOutcome, Heartbeat } from '@opmas/protocol';
import { limits } from '../../kernel/limits.ts';
import { parseStorable } from '../../kernel/storable.ts';
import { REPORT_REFRESH_MS } from './delivery.ts';

/** What is told of one instance; what is absent is not said. */
export interface Word {
  agent_id: string;
  instance_id: string;
  heard: Date;
  running_hash?: string | null;
  attempted_hash?: string | null;
  errors?: ConfigFault[];
  /** Null: it has none. */
  healthy?: { hash: string; version: number | null } | null;
  interval_s?: number;
  /** A heartbeat is in it: the instance spoke by itself. */
  beat?: true;
}

/** An agent that names no interval beats every 30 s. */
export const DEFAULT_INTERVAL_S = 30;
const FAULTS = 50;
/** Instances that are remembered of one agent. */
export const INSTANCES = 32;

const HASH_CHARS = 64;

const healthyOf = (hash: string | null, version: number | null = null) =>
  hash === null ? null : { hash, version };
const keyOf = (agentId: string, instanceId: string) => `${agentId}\n${instanceId}`;

/** As it can be written, whatever the agent put into it; what is no hash of a configuration names none. */
function storable({ heard, ...said }: Word): Word {
  const word = parseStorable(JSON.stringify(said)) as Omit<Word, 'heard'>;
  for (const key of ['running_hash', 'attempted_hash'] as const) {
    if ((word[key]?.length ?? 0) > HASH_CHARS) word[key] = null;
  }
  return { ...word, heard };
}

export class Reports {
  readonly #now: () => number;
  /** By agent and instance. */
  readonly #waiting = new Map<string, Map<string, Word>>();
  /** What instances were settled with, and when that was last written: beats that say it again change nothing. */
  readonly #calm = new Map<string, { hash: string; at: number }>();
  #onNews: () => void = () => undefined;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** `listener` is called when an instance reports what a delivery may wait for. One listener. */
  onNews(listener: () => void): void {
    this.#onNews = listener;
  }

  /** Every heartbeat goes through here: one that says nothing new is let go at once. */
  heartbeat(beat: Heartbeat): void {
    const { agent_id, instance_id = '', config_hash, interval } = beat;
    const calm = this.#calm.get(keyOf(agent_id, instance_id));
    const now = this.#now();
    if (calm !== undefined && now - calm.at < REPORT_REFRESH_MS) {
      if (config_hash === undefined || config_hash === calm.hash) return;
    }
    this.#add({
      agent_id,
      instance_id,
      heard: new Date(now),
      beat: true,
      ...(config_hash === undefined ? {} : { running_hash: config_hash }),
      ...(interval === undefined ? {} : { interval_s: interval }),
    });
  }

  status(report: AgentStatusReport): void {
    const { agent_id, instance_id = '', config } = report;
    if (config === undefined) return;
    const { running_hash, attempted_hash, error, errors, healthy_hash, healthy_version } = config;
    const faults = errors ?? (error ? [{ path: '', message: error.slice(0, 1_024) }] : []);
    const calm = this.#calm.get(keyOf(agent_id, instance_id));
    this.#add({
      agent_id,
      instance_id,
      heard: new Date(this.#now()),
      ...(running_hash === undefined ? {} : { running_hash }),
      ...(attempted_hash === undefined ? {} : { attempted_hash }),
      errors: faults.slice(0, FAULTS),
      ...(healthy_hash === undefined ? {} : { healthy: healthyOf(healthy_hash, healthy_version) }),
    });
    if (calm === undefined || calm.hash !== running_hash) this.#onNews();
  }

  /** The answer to a message that offered `hash`. */
  answer(
    from: { agent_id: string; instance_id: string; hash: string },
    said: { ok: boolean; error: string | undefined; outcome: ConfigOutcome | undefined },
  ): void {
    const { agent_id, instance_id, hash } = from;
    const { ok, outcome } = said;
    const faults = outcome?.errors ?? [
      { path: '', message: (said.error ?? 'refused without a reason').slice(0, 1_024) },
    ];
    this.#add({
      agent_id,
      instance_id,
      heard: new Date(this.#now()),
      ...(ok ? { running_hash: outcome?.running_hash ?? hash } : {}),
      ...(!ok && outcome?.running_hash !== undefined ? { running_hash: outcome.running_hash } : {}),
      // What is worth telling again is no verdict on the configuration.
      attempted_hash: !ok && outcome?.transient === true ? null : hash,
      errors: ok ? [] : faults,
    });
  }

  /** At most `limit` words, oldest first; they are to be given back when they cannot be written. */
  take(limit: number): Word[] {
    const words: Word[] = [];
    for (const [agentId, instances] of this.#waiting) {
      for (const [instanceId, word] of instances) {
        if (words.length === limit) return words;
        words.push(word);
        instances.delete(instanceId);
      }
      this.#waiting.delete(agentId);
    }
    return words;
  }

  giveBack(words: readonly Word[]): void {
    for (const word of words) {
      const newer = this.#waiting.get(word.agent_id)?.get(word.instance_id);
      this.#add(newer === undefined ? word : { ...word, ...newer });
    }
  }

  /**
   * These instances run what they shall, or what has been written of them: heartbeats that say the same are let go
   * for a while.
   */
  settled(instances: readonly { agent_id: string; instance_id: string; hash: string }[]): void {
    for (const { agent_id, instance_id, hash } of instances) {
      this.#calm.delete(keyOf(agent_id, instance_id));
      if (this.#calm.size >= limits.slotsRemembered) {
        const oldest = this.#calm.keys().next();
        if (!oldest.done) this.#calm.delete(oldest.value);
      }
      this.#calm.set(keyOf(agent_id, instance_id), { hash, at: this.#now() });
    }
  }

  /** What is desired of these agents has changed: every word counts again. */
  unsettle(agentIds: Iterable<string>): void {
    const changed = new Set(agentIds);
    if (changed.size === 0) return;
    for (const key of this.#calm.keys()) {
      if (changed.has(key.slice(0, key.indexOf('\n')))) this.#calm.delete(key);
    }
  }

  /** Every word of everybody counts again. */
  unsettleAll(): void {
    this.#calm.clear();
  }

  /** Bounded for each agent too: whoever invents instances spoils nobody else's words. */
  #add(given: Word): void {
    const word = storable(given);
    let instances = this.#waiting.get(word.agent_id);
    if (instances === undefined) {
      if (this.#waiting.size >= limits.slotsRemembered) return;
      instances = new Map();
      this.#waiting.set(word.agent_id, instances);
    }
    const before = instances.get(word.instance_id);
    if (before === undefined && instances.size >= INSTANCES) return;
    instances.set(word.instance_id, { ...before, ...word });
  }
}
