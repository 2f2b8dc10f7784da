/** The agent's state in one word and one sentence, derived from what is known, never a sticky flag. */
import type { MetricValue } from '@opmas/protocol';
import type { Clock } from '../clock.ts';
import { limits } from '../limits.ts';

/** The answer of `checkHealth`; an author may add fields and use other words for `status`. */
export interface AgentHealth {
  status: string;
  metrics?: Record<string, MetricValue>;
  components?: Record<string, unknown>;
  timestamp: string;
  [field: string]: unknown;
}

type Phase = 'starting' | 'running' | 'stopping';

export class StatusBook {
  readonly #clock: Clock;
  #phase: Phase = 'starting';
  #link: { state: 'up' | 'down'; reason: string } = { state: 'down', reason: 'not connected yet' };
  #lastError: { message: string; at: number } | undefined;
  #configError: string | null = null;
  #drained = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  started(): void {
    if (this.#phase === 'starting') this.#phase = 'running';
  }

  stopping(): void {
    this.#phase = 'stopping';
  }

  error(message: string): void {
    this.#lastError = { message, at: this.#clock.now() };
  }

  drained(): void {
    this.#drained = true;
  }

  configError(message: string | null): void {
    this.#configError = message;
  }

  link(state: 'up' | 'down', reason: string): void {
    this.#link = { state, reason };
  }

  get running(): boolean {
    return this.#phase === 'running';
  }

  get linkState(): { status: string; reason: string } {
    return { status: this.#link.state, reason: this.#link.reason };
  }

  get state(): 'starting' | 'healthy' | 'degraded' | 'stopping' {
    if (this.#phase !== 'running') return this.#phase;
    return this.reason === '' ? 'healthy' : 'degraded';
  }

  /** One sentence; empty when all is well. */
  get reason(): string {
    const drained = this.#drained ? 'drained: takes no events until it is restarted' : '';
    const reason = this.#recentError() ?? this.#configError ?? drained;
    return reason.slice(0, 1_024);
  }

  #recentError(): string | undefined {
    const error = this.#lastError;
    if (error === undefined) return undefined;
    return this.#clock.now() - error.at < limits.degradedMs ? error.message : undefined;
  }
}
