/** BatchPublisher: events into streams at full speed, each acknowledged by the broker or still held here. */
import { isLogTopic, limits } from '@opmas/protocol';
import type { Bus } from '../connection/bus.ts';
import { BusError, toBusError } from '../errors.ts';
import { busLimits } from '../limits.ts';
import { type Batch, type EventJson, measure, ndjson, OpenBatch, sealed } from './batch.ts';
import { Outbox } from './outbox.ts';

export interface BatchPublisherOptions {
  /** Per message. */
  maxEvents?: number;
  maxBytes?: number;
  /** How long a message that is not full waits for more; up to five times while the broker is busy. */
  lingerMs?: number;
  /** Messages sent and not yet acknowledged. */
  maxInFlight?: number;
  /** Events held (waiting or not yet acknowledged); above this `add` takes no more. */
  maxQueuedEvents?: number;
  maxQueuedBytes?: number;
  ackTimeoutMs?: number;
  /** Told of every message that can never be stored (no permission, malformed): its events are lost. */
  onRefused?: (topic: string, events: number, error: BusError) => void;
}

export interface BatchPublisherStats {
  /** Events held: waiting, or sent and not yet acknowledged. */
  queued: number;
  /** Messages sent and not yet acknowledged. */
  inFlight: number;
  /** Events acknowledged since the start. */
  acked: number;
  /** Messages sent again. */
  retried: number;
  /** Events the broker refuses for good. */
  refused: number;
  lastError: string | undefined;
}

/**
 * Packs events into NDJSON messages per topic and publishes them with a bounded window of
 * acknowledgements. What `add` took is sent again, with the same message id, until the broker has
 * acknowledged it: over lost acknowledgements, restarts of the broker and swaps of the connection. The
 * broker drops repetitions within the stream's duplicate window (2 minutes for EVENTS).
 */
export class BatchPublisher {
  readonly #outbox: Outbox;
  readonly #options: Required<Omit<BatchPublisherOptions, 'onRefused'>>;
  readonly #open = new Map<string, OpenBatch>();
  #linger: NodeJS.Timeout | undefined;
  #lingered = 0;
  #openEvents = 0;
  #openBytes = 0;
  #closed = false;
  #writable: (() => void)[] = [];

  constructor(bus: Bus, options: BatchPublisherOptions = {}) {
    this.#options = {
      maxEvents: Math.min(options.maxEvents ?? busLimits.batchEvents, limits.batchEvents),
      maxBytes: options.maxBytes ?? busLimits.batchBytes,
      lingerMs: options.lingerMs ?? busLimits.batchLingerMs,
      maxInFlight: options.maxInFlight ?? busLimits.maxInFlight,
      maxQueuedEvents: options.maxQueuedEvents ?? busLimits.maxQueuedEvents,
      maxQueuedBytes: options.maxQueuedBytes ?? busLimits.maxQueuedBytes,
      ackTimeoutMs: options.ackTimeoutMs ?? busLimits.ackTimeoutMs,
    };
    this.#outbox = new Outbox(bus, {
      maxInFlight: this.#options.maxInFlight,
      ackTimeoutMs: this.#options.ackTimeoutMs,
      onSettled: () => this.#wakeWriters(),
      onRefused: options.onRefused ?? (() => undefined),
    });
  }

  /**
   * Takes one event; false when the queue is full (wait for `whenWritable`, or count a drop).
   * @param id the event's id
   * @throws {BusError} OPMAS_INVALID_REQUEST for an event that can never travel: bad topic, a line
   * break in the JSON, more than 1,000,000 bytes.
   */
  add(topic: string, eventJson: EventJson, id: string): boolean {
    if (this.#closed || !this.writable()) return false;
    let open = this.#open.get(topic);
    const bytes = measure(eventJson);
    if (open !== undefined && open.bytes + bytes > this.#options.maxBytes) {
      this.#seal(open);
      open = undefined;
    }
    if (open === undefined) {
      requireTopic(topic);
      open = new OpenBatch(topic);
      this.#open.set(topic, open);
    }
    open.push(eventJson, bytes, id);
    this.#openEvents += 1;
    this.#openBytes += bytes;
    if (open.count >= this.#options.maxEvents || open.bytes >= this.#options.maxBytes)
      this.#seal(open);
    else this.#linger ??= setTimeout(() => this.#lingerOver(), this.#options.lingerMs);
    return true;
  }

  /**
   * Publishes `lines` (one event each) now, ahead of nothing and behind what was added; resolves when
   * all are stored. `id` names this publish: the same id with the same lines is stored once.
   * @throws {BusError} OPMAS_BROKER_UNAVAILABLE at once when the queue is full, OPMAS_TIMEOUT after
   * `timeoutMs` (some may have been stored), OPMAS_INVALID_REQUEST, OPMAS_FORBIDDEN
   */
  async publishBatch(
    topic: string,
    lines: readonly EventJson[],
    id: string,
    options: { timeoutMs?: number } = {},
  ): Promise<void> {
    requireTopic(topic);
    const batches = this.#pack(topic, lines, id);
    if (this.#closed || !this.writable()) {
      throw new BusError(
        'OPMAS_BROKER_UNAVAILABLE',
        'too many events wait for the broker; try again later',
      );
    }
    const all = batches.map(
      (batch) =>
        new Promise<void>((resolve, reject) => {
          batch.settle.push((error) => (error === undefined ? resolve() : reject(error)));
          this.#outbox.push(batch);
        }),
    );
    const { timeoutMs = busLimits.publishRetryForMs } = options;
    const giveUp = (error: BusError) => {
      for (const batch of batches) this.#outbox.abandon(batch, error);
    };
    const timer = setTimeout(
      () =>
        giveUp(
          new BusError('OPMAS_TIMEOUT', `the broker did not acknowledge within ${timeoutMs} ms`),
        ),
      timeoutMs,
    );
    try {
      await Promise.all(all);
    } catch (error) {
      giveUp(toBusError(`publishing to ${topic}`, error));
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Does `add` take events now? */
  writable(): boolean {
    const { events, bytes } = this.#outbox.held();
    return (
      events + this.#openEvents < this.#options.maxQueuedEvents &&
      bytes + this.#openBytes < this.#options.maxQueuedBytes
    );
  }

  /** Resolves when `add` takes events again, with room for a quarter of the queue; at once if it does. */
  whenWritable(): Promise<void> {
    if (this.writable() || this.#closed) return Promise.resolve();
    return new Promise((resolve) => this.#writable.push(resolve));
  }

  /** Resolves when everything added so far is stored (or refused for good). */
  async flush(): Promise<void> {
    this.#sealAll();
    await this.#outbox.idle();
  }

  stats(): BatchPublisherStats {
    const outbox = this.#outbox.stats();
    return { ...outbox, queued: outbox.queued + this.#openEvents };
  }

  /** Flushes for at most `timeoutMs`, then lets go. Returns how many events were not acknowledged. */
  async close(timeoutMs: number = busLimits.drainMs): Promise<number> {
    this.#closed = true;
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, timeoutMs);
    });
    await Promise.race([this.flush(), late]);
    clearTimeout(timer);
    const left = this.stats().queued;
    await this.#outbox.close();
    this.#wakeWriters();
    return left;
  }

  #pack(topic: string, lines: readonly EventJson[], id: string): Batch[] {
    const batches: Batch[] = [];
    let events: EventJson[] = [];
    let bytes = 0;
    const cut = () => {
      if (events.length > 0)
        batches.push(sealed(topic, ndjson(events), events.length, `${id}:${batches.length}`));
      events = [];
      bytes = 0;
    };
    for (const line of lines) {
      const size = measure(line) + 1;
      if (
        events.length >= this.#options.maxEvents ||
        (bytes > 0 && bytes + size > this.#options.maxBytes)
      )
        cut();
      events.push(line);
      bytes += size;
    }
    cut();
    return batches;
  }

  #seal(open: OpenBatch): void {
    this.#open.delete(open.topic);
    const batch = open.seal();
    this.#openEvents -= batch.count;
    this.#openBytes -= open.bytes - batch.count;
    this.#outbox.push(batch);
  }

  /**
   * With acknowledgements outstanding another small message would only wait behind them: it fills up
   * meanwhile, so that a busy broker gets fewer and fuller ones (Nagle's rule, with a bound).
   */
  #lingerOver(): void {
    this.#lingered += 1;
    if (this.#lingered < busLimits.busyLingers && this.#outbox.stats().inFlight > 0)
      this.#linger = setTimeout(() => this.#lingerOver(), this.#options.lingerMs);
    else this.#sealAll();
  }

  #sealAll(): void {
    clearTimeout(this.#linger);
    this.#linger = undefined;
    this.#lingered = 0;
    for (const open of this.#open.values()) this.#seal(open);
  }

  #wakeWriters(): void {
    if (this.#writable.length === 0) return;
    const { events, bytes } = this.#outbox.held();
    const { maxQueuedEvents, maxQueuedBytes } = this.#options;
    const roomy =
      events + this.#openEvents <= maxQueuedEvents * 0.75 &&
      bytes + this.#openBytes <= maxQueuedBytes * 0.75;
    if (!roomy && !this.#closed) return;
    const waiting = this.#writable;
    this.#writable = [];
    for (const wake of waiting) wake();
  }
}

function requireTopic(topic: string): void {
  if (!isLogTopic(topic)) {
    throw new BusError(
      'OPMAS_INVALID_REQUEST',
      `${JSON.stringify(topic.slice(0, 80))} is not a log topic (logs.<domain>)`,
    );
  }
}
