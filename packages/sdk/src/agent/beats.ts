/** The agent's regular signs of life: heartbeats and metrics, at the intervals now configured. */
import { type Clock, repeat } from '../clock.ts';

export interface BeatPorts {
  clock: Clock;
  heartbeatSeconds(): number;
  metricsSeconds(): number;
  heartbeat(): Promise<void>;
  metrics(): Promise<void>;
  /** Neither `heartbeat` nor `metrics` may end the beating. */
  onError(error: unknown): void;
}

export class Beats {
  readonly #ports: BeatPorts;
  /** When each last ran, or when it was first waited for. */
  readonly #since = new Map<'heartbeat' | 'metrics', number>();
  #stops: (() => void)[] = [];

  constructor(ports: BeatPorts) {
    this.#ports = ports;
  }

  /**
   * Starts, or goes on with changed intervals. The time that has passed since the last beat counts: an agent
   * whose configuration changes again and again is not taken for dead.
   */
  start(): void {
    this.stop();
    const ports = this.#ports;
    this.#stops = [
      this.#beat('heartbeat', () => ports.heartbeatSeconds() * 1000),
      this.#beat('metrics', () => ports.metricsSeconds() * 1000),
    ];
  }

  stop(): void {
    for (const stop of this.#stops) stop();
    this.#stops = [];
  }

  #beat(kind: 'heartbeat' | 'metrics', everyMs: () => number): () => void {
    const ports = this.#ports;
    const { clock } = ports;
    const since = this.#since.get(kind) ?? clock.now();
    this.#since.set(kind, since);
    const run = () => {
      this.#since.set(kind, clock.now());
      return ports[kind]().catch((error: unknown) => ports.onError(error));
    };
    return repeat(clock, everyMs, run, Math.max(0, since + everyMs() - clock.now()));
  }
}
