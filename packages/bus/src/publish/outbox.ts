/** The window of the BatchPublisher: sealed messages waiting, in flight, and sent again until acknowledged. */
import type { Bus, BusMessage, BusSubscription } from '../connection/bus.ts';
import { BusError, isTransient, toBusError } from '../errors.ts';
import { busLimits } from '../limits.ts';
import type { Batch } from './batch.ts';
import { readPubAck } from './pub-ack.ts';

export interface OutboxOptions {
  maxInFlight: number;
  ackTimeoutMs: number;
  onSettled: () => void;
  onRefused: (topic: string, events: number, error: BusError) => void;
}

/**
 * Pipelined acknowledgements: one inbox, the batch's number as its last token, no promise per message
 * (5x the library's publish).
 */
export class Outbox {
  readonly #bus: Bus;
  readonly #options: OutboxOptions;
  readonly #inbox: string;
  readonly #acks: BusSubscription;
  readonly #stops: (() => void)[];
  readonly #inFlight = new Map<number, Batch>();
  readonly #timer: NodeJS.Timeout;
  #waiting: Batch[] = [];
  #waitingFrom = 0;
  #next = 0;
  #events = 0;
  #bytes = 0;
  #acked = 0;
  #retried = 0;
  #refused = 0;
  #lastError: string | undefined;
  #idle: { left: Set<Batch>; resolve: () => void }[] = [];

  constructor(bus: Bus, options: OutboxOptions) {
    this.#bus = bus;
    this.#options = options;
    this.#inbox = bus.inbox();
    this.#acks = bus.subscribe(`${this.#inbox}.*`, (message) => this.#onAck(message), {
      inbox: true,
    });
    this.#stops = [
      bus.onStatus((status) => {
        if (status.state === 'up') this.#resend(0);
      }),
      bus.onViolation((violation) => {
        if (violation.operation === 'publish') this.#refuseSubject(violation.subject);
      }),
    ];
    // Looks for overdue acknowledgements; the answers themselves come by subscription.
    this.#timer = setInterval(
      () => this.#resend(options.ackTimeoutMs),
      Math.max(10, options.ackTimeoutMs / 4),
    );
    this.#timer.unref();
  }

  push(batch: Batch): void {
    this.#events += batch.count;
    this.#bytes += batch.bytes;
    this.#waiting.push(batch);
    this.#pump();
  }

  held() {
    return { events: this.#events, bytes: this.#bytes };
  }

  stats() {
    return {
      queued: this.#events,
      inFlight: this.#inFlight.size,
      acked: this.#acked,
      retried: this.#retried,
      refused: this.#refused,
      lastError: this.#lastError,
    };
  }

  /** Resolves when what is held now has been settled. */
  idle(): Promise<void> {
    const left = new Set([...this.#waiting.slice(this.#waitingFrom), ...this.#inFlight.values()]);
    if (left.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push({ left, resolve }));
  }

  /** Gives a batch up: it is not sent again. */
  abandon(batch: Batch, error: BusError): void {
    const at = this.#waiting.indexOf(batch, this.#waitingFrom);
    if (at >= 0) {
      this.#waiting.splice(at, 1);
      this.#settle(batch, error);
      return;
    }
    for (const [number, sent] of this.#inFlight) {
      if (sent === batch) {
        this.#inFlight.delete(number);
        this.#settle(batch, error);
        this.#pump();
        return;
      }
    }
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    for (const stop of this.#stops) stop();
    const error = new BusError(
      'OPMAS_BROKER_UNAVAILABLE',
      'the publisher was closed before the broker acknowledged',
    );
    for (const batch of [...this.#waiting.slice(this.#waitingFrom), ...this.#inFlight.values()])
      this.#settle(batch, error);
    this.#waiting = [];
    this.#waitingFrom = 0;
    this.#inFlight.clear();
    await this.#acks.stop();
  }

  #pump(): void {
    while (this.#inFlight.size < this.#options.maxInFlight && this.#bus.isUp()) {
      const batch = this.#waiting[this.#waitingFrom];
      if (batch === undefined) break;
      this.#waitingFrom += 1;
      if (this.#waitingFrom > 1024 || this.#waitingFrom === this.#waiting.length) {
        this.#waiting = this.#waiting.slice(this.#waitingFrom);
        this.#waitingFrom = 0;
      }
      const number = this.#next;
      this.#next += 1;
      this.#inFlight.set(number, batch);
      this.#send(number, batch);
    }
  }

  #send(number: number, batch: Batch): void {
    batch.attempts += 1;
    batch.sentAt = performance.now();
    if (batch.attempts > 1) this.#retried += 1;
    try {
      this.#bus.publish(batch.topic, batch.payload, {
        reply: `${this.#inbox}.${number}`,
        headers: { 'Nats-Msg-Id': batch.msgId, 'Opmas-Count': String(batch.count) },
      });
    } catch (error) {
      this.#fail(number, batch, toBusError(`publishing to ${batch.topic}`, error));
    }
  }

  #onAck(message: BusMessage): void {
    const number = Number(message.subject.slice(this.#inbox.length + 1));
    const batch = this.#inFlight.get(number);
    if (batch === undefined) return;
    try {
      readPubAck(batch.topic, message);
    } catch (error) {
      this.#fail(number, batch, toBusError(`publishing to ${batch.topic}`, error));
      return;
    }
    this.#inFlight.delete(number);
    this.#acked += batch.count;
    this.#settle(batch);
    this.#pump();
  }

  /** Transient: later, by the timer, sooner than an acknowledgement that never came. */
  #fail(number: number, batch: Batch, error: BusError): void {
    this.#lastError = error.message;
    if (isTransient(error)) {
      const delay = Math.min(
        busLimits.retryMaxMs,
        busLimits.retryMinMs * 2 ** Math.min(batch.attempts, 5),
      );
      setTimeout(() => {
        if (this.#inFlight.get(number) === batch && this.#bus.isUp()) this.#send(number, batch);
      }, delay).unref();
      return;
    }
    this.#inFlight.delete(number);
    this.#refuse(batch, error);
    this.#pump();
  }

  #resend(olderThanMs: number): void {
    if (!this.#bus.isUp()) return;
    const before = performance.now() - olderThanMs;
    for (const [number, batch] of this.#inFlight) {
      if (batch.sentAt <= before) this.#send(number, batch);
    }
    this.#pump();
  }

  #refuseSubject(subject: string): void {
    const error = new BusError('OPMAS_FORBIDDEN', `the broker refuses publishing to ${subject}`);
    for (const [number, batch] of this.#inFlight) {
      if (batch.topic !== subject) continue;
      this.#inFlight.delete(number);
      this.#refuse(batch, error);
    }
    this.#pump();
  }

  #refuse(batch: Batch, error: BusError): void {
    this.#lastError = error.message;
    this.#refused += batch.count;
    this.#options.onRefused(batch.topic, batch.count, error);
    this.#settle(batch, error);
  }

  #settle(batch: Batch, error?: BusError): void {
    this.#events -= batch.count;
    this.#bytes -= batch.bytes;
    for (const done of batch.settle) done(error);
    for (const waiter of this.#idle) {
      if (waiter.left.delete(batch) && waiter.left.size === 0) waiter.resolve();
    }
    this.#idle = this.#idle.filter((waiter) => waiter.left.size > 0);
    this.#options.onSettled();
  }
}
