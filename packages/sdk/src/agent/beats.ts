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
    const ports = this.#ports;
    const guarded = (run: () => Promise<void>) => () =>
      run().catch((error: unknown) => ports.onError(error));
    this.#stops = [
      repeat(
        ports.clock,
        () => ports.heartbeatSeconds() * 1000,
        guarded(() => ports.heartbeat()),
      ),
      repeat(
        ports.clock,
        () => ports.metricsSeconds() * 1000,
        guarded(() => ports.metrics()),
      ),
    ];
  }

  stop(): void {
    for (const stop of this.#stops) stop();
    this.#stops = [];
  }
}
