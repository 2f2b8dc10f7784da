/** The topics an agent reads and the worker behind them. */
import type { LogEvent } from '@opmas/protocol';
import type { Ruleset } from '@opmas/rules';
import { within } from '../clock.ts';
import { AgentError, messageOf } from '../errors.ts';
import { limits } from '../limits.ts';
import type { Metrics } from '../metrics.ts';
import type { AgentRuntime } from '../runtime/runtime.ts';
import { Window } from '../window.ts';
import { deadLetterOf } from '../work/dead-letter.ts';
import { decodeMessage } from '../work/decode.ts';
import type { Delivery } from '../work/delivery.ts';
import type { EventScope } from '../work/scope.ts';
import { Screening } from '../work/screening.ts';
import { Worker } from '../work/worker.ts';

export interface IntakePorts {
  process(scope: EventScope): Promise<void>;
  /** Asked at every message: the way to process all its events together, if there is one. */
  processAll(): ((scopes: readonly EventScope[]) => Promise<void>) | undefined;
  settings(): { batch_size: number; max_retries: number; validate_every?: number };
  /** The rules in force. */
  ruleset(): Ruleset;
  failed(error: unknown, event: LogEvent, deliveries: number): void;
  invalid(error: string, topic: string): void;
  /** A message came for the first time. */
  heard(delivery: Delivery): void;
}

interface Reading {
  close: () => Promise<void>;
}

export class Intake {
  readonly #runtime: AgentRuntime;
  readonly #metrics: Metrics;
  readonly #ports: IntakePorts;
  readonly #worker: Worker;
  /** Not answered yet. */
  readonly #held = new Set<Delivery>();
  readonly #readings = new Map<string, Promise<Reading>>();
  #closed = false;

  constructor(runtime: AgentRuntime, metrics: Metrics, ports: IntakePorts) {
    this.#runtime = runtime;
    this.#metrics = metrics;
    this.#ports = ports;
    const screening = new Screening({
      ruleset: () => ports.ruleset(),
      validateEvery: () => ports.settings().validate_every ?? limits.validateEvery,
    });
    this.#worker = new Worker({
      screen: (delivery) => screening.screen(delivery),
      onRead: (topic, read, skipped) => {
        screening.valid(topic, read);
        const { events, seconds } = skipped;
        if (events === 0) return;
        metrics.increment('events_processed', events);
        metrics.increment('events_unread', events);
        metrics.observe('processing_time', seconds / events, events);
      },
      clock: runtime.clock,
      decode: decodeMessage,
      process: (scope) => ports.process(scope),
      processAll: () => ports.processAll(),
      deadLetter: async (dead) => {
        await runtime.publishDeadLetter(dead.id, deadLetterOf(dead, runtime));
        metrics.increment('events_dead_lettered');
      },
      maxDeliveries: () => Math.max(1, Math.min(limits.deliveries, ports.settings().max_retries)),
      onFailure: (error, event, deliveries) => ports.failed(error, event, deliveries),
      onInvalid: (error, topic) => {
        metrics.increment('events_invalid');
        screening.distrust(topic);
        ports.invalid(error, topic);
      },
      onTrouble: (error, topic) => ports.invalid(messageOf(error), topic),
    });
  }

  get topics(): string[] {
    return [...this.#readings.keys()];
  }

  get inFlight(): number {
    return this.#worker.inFlight;
  }

  /** Reads `topic` until closed; a topic that is read already is left as it is. */
  async open(topic: string): Promise<void> {
    if (this.#closed) return;
    let reading = this.#readings.get(topic);
    if (reading === undefined) {
      reading = this.#read(topic);
      this.#readings.set(topic, reading);
      reading.catch(() => this.#readings.delete(topic));
    }
    await reading;
  }

  /** Follows a changed list of configured topics; what the author subscribed beyond it stays. */
  async follow(before: readonly string[], now: readonly string[]): Promise<void> {
    if (this.#readings.size === 0) return;
    const gone = before.filter((topic) => !now.includes(topic));
    const come = now.filter((topic) => !before.includes(topic));
    for (const topic of gone) await this.#close(topic);
    for (const topic of come) await this.open(topic);
  }

  /** Takes no more, waits at most `graceMs` for what is in flight, and gives back what is not done then. */
  async closeAll(graceMs: number): Promise<void> {
    this.#closed = true;
    const late = () => new AgentError('OPMAS_TIMEOUT', 'not finished in time');
    const finished = Promise.all(this.topics.map((topic) => this.#close(topic))).then(() =>
      this.#worker.idle(),
    );
    try {
      await within(this.#runtime.clock, graceMs, finished, late);
    } catch (error) {
      // The broker gives it to another instance, or to this one after its restart.
      const unfinished = [...this.#held];
      this.#held.clear();
      for (const delivery of unfinished) delivery.nak(0);
      this.#ports.invalid(
        `${unfinished.length} messages given back unfinished: ${messageOf(error)}`,
        '',
      );
    }
  }

  async #close(topic: string): Promise<void> {
    const reading = this.#readings.get(topic);
    this.#readings.delete(topic);
    if (reading !== undefined) await (await reading).close();
  }

  async #read(topic: string): Promise<Reading> {
    const slots = new Window(limits.messagesInFlight);
    const maxMessages = Math.min(this.#ports.settings().batch_size, limits.messagesInFlight);
    const work = async (delivery: Delivery) => {
      this.#held.add(delivery);
      const leave = await slots.enter();
      // Given back while it waited.
      if (!this.#held.has(delivery)) return leave();
      if (delivery.deliveries > 1) this.#metrics.increment('events_redelivered');
      else this.#ports.heard(delivery);
      const { processed, settled } = this.#worker.work(delivery);
      void settled.finally(() => {
        this.#held.delete(delivery);
        leave();
      });
      await processed;
    };
    return { close: await this.#runtime.consume(topic, { maxMessages }, work) };
  }
}
