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
  #stops: (() => void)[] = [];

  constructor(ports: BeatPorts) {
    this.#ports = ports;
  }

  /** Starts, or starts anew with changed intervals. */
  start(): void {
    this.stop();
    const { clock, heartbeatSeconds, metricsSeconds, heartbeat, metrics, onError } = this.#ports;
    const guarded = (run: () => Promise<void>) => () => run().catch(onError);
    this.#stops = [
      repeat(clock, () => heartbeatSeconds() * 1000, guarded(heartbeat)),
      repeat(clock, () => metricsSeconds() * 1000, guarded(metrics)),
    ];
  }

  stop(): void {
    for (const stop of this.#stops) stop();
    this.#stops = [];
  }
}
