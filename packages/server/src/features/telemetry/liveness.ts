/** Heartbeats: kept in memory, written in batches; a silent agent is late before it is offline. */
import type { Heartbeat } from '@opmas/protocol';
import type { Clock } from '../../kernel/clock.ts';

export type Presence = 'on_time' | 'late' | 'offline';

interface Beat {
  heartbeat: Heartbeat;
  /** Wall clock of the server when it came. */
  at: number;
  monotonic: number;
  intervalMs: number;
  presence: Presence;
}

const DEFAULT_INTERVAL_MS = 30_000;
/** Of the interval: above this an agent is late; above `OFFLINE` it is offline. */
const LATE = 1.5;
const OFFLINE = 3;
/** Agents kept in memory; beyond it the longest silent is forgotten. */
const MAX_AGENTS = 200_000;

export interface PresenceChange {
  agentId: string;
  presence: Presence;
  silentMs: number;
}

export interface LivenessRow {
  agent_id: string;
  last_heartbeat: Date;
  status: string;
  uptime: number;
  instance_id: string | null;
  config_version: number | null;
  config_hash: string | null;
}

/** Pure state over a clock: what was heard, what is due to be written, who became silent. */
export class Liveness {
  readonly #clock: Clock;
  readonly #beats = new Map<string, Beat>();
  #dirty = new Set<string>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Returns the change when the agent was silent before, is new, or is heard first since a start. */
  heard(heartbeat: Heartbeat): PresenceChange | undefined {
    const id = heartbeat.agent_id;
    const before = this.#beats.get(id);
    this.#beats.delete(id);
    if (this.#beats.size >= MAX_AGENTS) {
      const oldest = this.#beats.keys().next();
      if (!oldest.done) this.#beats.delete(oldest.value);
    }
    this.#beats.set(id, {
      heartbeat,
      at: this.#clock.now(),
      monotonic: this.#clock.monotonic(),
      intervalMs: (heartbeat.interval ?? DEFAULT_INTERVAL_MS / 1_000) * 1_000,
      presence: 'on_time',
    });
    this.#dirty.add(id);
    if (before?.presence === 'on_time' && before.at !== 0) return undefined;
    return { agentId: id, presence: 'on_time', silentMs: 0 };
  }

  /** An agent that ran when the server started: silent from now, until it is heard. */
  expect(agentId: string): void {
    if (this.#beats.has(agentId)) return;
    this.#beats.set(agentId, {
      heartbeat: { agent_id: agentId, status: 'unknown', timestamp: '', uptime: 0 },
      at: 0,
      monotonic: this.#clock.monotonic(),
      intervalMs: DEFAULT_INTERVAL_MS,
      presence: 'on_time',
    });
  }

  forget(agentId: string): void {
    this.#beats.delete(agentId);
    this.#dirty.delete(agentId);
  }

  last(agentId: string): { heartbeat: Heartbeat; at: number } | undefined {
    const beat = this.#beats.get(agentId);
    return beat === undefined || beat.at === 0 ? undefined : beat;
  }

  /** Agents whose presence changed by silence since the last sweep. */
  sweep(): PresenceChange[] {
    const now = this.#clock.monotonic();
    const changes: PresenceChange[] = [];
    for (const [agentId, beat] of this.#beats) {
      const silentMs = now - beat.monotonic;
      const presence =
        silentMs > OFFLINE * beat.intervalMs
          ? 'offline'
          : silentMs > LATE * beat.intervalMs
            ? 'late'
            : 'on_time';
      if (presence === beat.presence) continue;
      beat.presence = presence;
      changes.push({ agentId, presence, silentMs });
    }
    return changes;
  }

  /** Takes what is due to be written, at most `limit` rows; give back by `restore` when the write fails. */
  drain(limit: number): LivenessRow[] {
    const rows: LivenessRow[] = [];
    for (const id of this.#dirty) {
      if (rows.length === limit) break;
      this.#dirty.delete(id);
      const beat = this.#beats.get(id);
      if (beat === undefined) continue;
      const { heartbeat } = beat;
      rows.push({
        agent_id: id,
        last_heartbeat: new Date(beat.at),
        status: heartbeat.status,
        uptime: heartbeat.uptime,
        instance_id: heartbeat.instance_id ?? null,
        config_version: heartbeat.config_version ?? null,
        config_hash: heartbeat.config_hash ?? null,
      });
    }
    return rows;
  }

  restore(rows: readonly LivenessRow[]): void {
    for (const row of rows) this.#dirty.add(row.agent_id);
  }
}
