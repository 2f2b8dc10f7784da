/** Works messages of events: each event once, findings before the ack, only culprits to the dead letter. */
import { check, type Fault, faultsOf, LogEvent } from '@opmas/protocol';
import type { Screened } from '@opmas/rules';
import { type Clock, repeat } from '../clock.ts';
import { AgentError, describeFaults, messageOf } from '../errors.ts';
import { limits } from '../limits.ts';
import { Breath } from './breath.ts';
import { type Decoded, decodeLines } from './decode.ts';
import type { Delivery } from './delivery.ts';
import { Progress } from './progress.ts';
import { EventScope } from './scope.ts';

export interface DeadEvent {
  /** The same on every delivery. */
  id: string;
  topic: string;
  event: unknown;
  error: string;
  deliveries: number;
}

/** What the worker needs of the agent. */
export interface WorkerPorts {
  clock: Clock;
  decode(data: Uint8Array): Decoded;
  /** What of the message has to be read; undefined: all. Asked only when `processAll` has an answer. */
  screen(delivery: Delivery): Screened | undefined;
  /** All that was read of a message were events; others were not read, and took so many seconds together. */
  onRead(topic: string, read: number, skipped: { events: number; seconds: number }): void;
  /** The author's code for one event; rejects when it failed or took too long. */
  process(scope: EventScope): Promise<void>;
  /** Asked per message: a way to process all events at once; its rejection sends them one by one. */
  processAll(): ((scopes: readonly EventScope[]) => Promise<void>) | undefined;
  /** Resolves when the broker has stored it. */
  deadLetter(dead: DeadEvent): Promise<void>;
  /** Deliveries after which a failing event is dead-lettered. */
  maxDeliveries(): number;
  onFailure(error: unknown, event: LogEvent, deliveries: number): void;
  onInvalid(error: string, topic: string): void;
  /** Not an event's fault: the message comes again. */
  onTrouble(error: unknown, topic: string): void;
}

export type Outcome = 'acked' | 'retried';

interface Pending {
  index: number;
  scope: EventScope;
}

/** Events to be worked, and parts that never can be. */
interface Read {
  pending: Pending[];
  dead: { index: number; event: unknown; error: string }[];
}

interface Failed {
  index: number;
  event: unknown;
  error: unknown;
}

export class Worker {
  readonly #ports: WorkerPorts;
  readonly #progress = new Progress(limits.progressEntries);
  readonly #inWork = new Map<string, { latest: Delivery }>();
  #idle: (() => void)[] = [];

  constructor(ports: WorkerPorts) {
    this.#ports = ports;
  }

  /** Messages being worked or waiting for acknowledgements. */
  get inFlight(): number {
    return this.#inWork.size;
  }

  /** Resolves when nothing is in flight. */
  async idle(): Promise<void> {
    while (this.#inWork.size > 0) {
      await new Promise<void>((resolve) => this.#idle.push(resolve));
    }
  }

  /**
   * Works one delivery. `processed` resolves when the next message of the topic may be worked,
   * `settled` when this one is answered. Neither rejects. A second delivery of a message still in work
   * is not worked again: the answer goes to it.
   */
  work(delivery: Delivery): { processed: Promise<void>; settled: Promise<Outcome> } {
    const before = this.#inWork.get(delivery.key);
    if (before !== undefined) {
      before.latest = delivery;
      return { processed: Promise.resolve(), settled: Promise.resolve('retried') };
    }
    const entry = { latest: delivery };
    this.#inWork.set(delivery.key, entry);
    const stopWorking = repeat(
      this.#ports.clock,
      () => limits.workingMs,
      async () => entry.latest.working(),
    );
    let processedAll = () => {};
    const processed = new Promise<void>((resolve) => {
      processedAll = resolve;
    });
    const settled = this.#run(delivery, processedAll)
      .catch((error: unknown) => {
        // Only the broker's or our own fault ends here, never an event's: the whole comes again.
        this.#ports.onTrouble(error, delivery.topic);
        return 'retried' as const;
      })
      .then((outcome) => {
        stopWorking();
        processedAll();
        this.#inWork.delete(delivery.key);
        if (outcome === 'acked') {
          this.#progress.forget(delivery.key);
          entry.latest.ack();
        } else entry.latest.nak(retryDelay(delivery.deliveries));
        this.#wake();
        return outcome;
      });
    return { processed, settled };
  }

  #wake(): void {
    if (this.#inWork.size > 0) return;
    const waiting = this.#idle;
    this.#idle = [];
    for (const resolve of waiting) resolve();
  }

  async #run(delivery: Delivery, processedAll: () => void): Promise<Outcome> {
    const maxDeliveries = this.#ports.maxDeliveries();
    const last = delivery.deliveries >= maxDeliveries;
    const processAll = this.#ports.processAll();
    const some = processAll === undefined ? undefined : this.#readSome(delivery);
    const { pending, dead } = some ?? this.#readAll(delivery);
    const failed: Failed[] = [];

    const together = await this.#processTogether(processAll, pending);
    const breath = new Breath();
    for (const entry of together ? [] : pending) {
      if (breath.due) await breath.take();
      const { index, scope } = entry;
      try {
        await this.#ports.process(scope);
      } catch (error) {
        failed.push({ index, event: scope.event, error });
        this.#ports.onFailure(error, scope.event, delivery.deliveries);
        // Once more with the whole; from the second delivery on each event is on its own.
        if (delivery.deliveries === 1 && !last) break;
      }
    }
    processedAll();

    const failedAt = new Set(failed.map((f) => f.index));
    const reached =
      failed.length > 0 && !last && delivery.deliveries === 1 ? failed[0]?.index : undefined;
    const isDone = (index: number) =>
      !failedAt.has(index) && (reached === undefined || index <= reached);
    for (const { index, scope } of pending) {
      if (scope.pending.length === 0 || !isDone(index)) continue;
      const lost = await firstLoss(scope.pending);
      if (lost === undefined) continue;
      failed.push({ index, event: scope.event, error: lost.reason });
      failedAt.add(index);
      this.#ports.onFailure(lost.reason, scope.event, delivery.deliveries);
    }
    if (failed.length === 0 && dead.length === 0) return 'acked';

    // Only a message that may come again needs a memory of what is done.
    for (const { index } of pending) {
      if (isDone(index)) this.#progress.markDone(delivery.key, index);
    }
    const toBury = last
      ? [...dead, ...failed.map((f) => ({ ...f, error: messageOf(f.error) }))]
      : dead;
    for (const { index, event, error } of toBury) {
      await this.#ports.deadLetter({
        id: `${delivery.key}.${index}`,
        topic: delivery.topic,
        event,
        error,
        deliveries: delivery.deliveries,
      });
      this.#progress.markDone(delivery.key, index);
    }
    return failed.length === 0 || last ? 'acked' : 'retried';
  }

  /** Only the events that may do something; undefined when all have to be read, as after one that is none. */
  #readSome(delivery: Delivery): Read | undefined {
    const began = performance.now();
    const screened = this.#ports.screen(delivery);
    const seconds = (performance.now() - began) / 1_000;
    if (screened === undefined) return undefined;
    const lines = decodeLines(delivery.data, screened.read);
    const pending: Pending[] = [];
    for (const { index, event } of lines ?? []) {
      if (!check(LogEvent, event)) return undefined;
      pending.push({ index, scope: new EventScope(event, delivery.topic) });
    }
    if (lines === undefined) return undefined;
    this.#ports.onRead(delivery.topic, lines.length, { events: screened.skipped, seconds });
    return { pending, dead: [] };
  }

  /** Splits a message into events still to be worked and parts that can never be. */
  #readAll(delivery: Delivery): Read {
    const decoded = this.#ports.decode(delivery.data);
    // Places that mean something else than before say nothing of what is done.
    if (!decoded.exact) this.#progress.forget(delivery.key);
    const pending: Pending[] = [];
    const dead: Read['dead'] = [];
    const bury = (index: number, event: unknown, error: string) => {
      if (this.#progress.isDone(delivery.key, index)) return;
      this.#ports.onInvalid(error, delivery.topic);
      dead.push({ index, event, error });
    };
    for (const { index, text, error } of decoded.broken) bury(index, text, error);
    for (const { index, event } of decoded.events) {
      if (this.#progress.isDone(delivery.key, index)) continue;
      const read = readEvent(event);
      if (read.ok) pending.push({ index, scope: new EventScope(read.event, delivery.topic) });
      else bury(index, event, `not an event: ${describeFaults(read.faults)}`);
    }
    if (dead.length === 0) this.#ports.onRead(delivery.topic, pending.length, NONE);
    return { pending, dead };
  }

  async #processTogether(
    processAll: ReturnType<WorkerPorts['processAll']>,
    pending: Pending[],
  ): Promise<boolean> {
    if (processAll === undefined) return false;
    try {
      await processAll(pending.map((entry) => entry.scope));
      return true;
    } catch {
      // One by one will name the culprit. Fresh scopes, so that findings get the same ordinals again.
      for (const entry of pending)
        entry.scope = new EventScope(entry.scope.event, entry.scope.topic);
      return false;
    }
  }
}

const NONE = { events: 0, seconds: 0 };

async function firstLoss(pending: readonly Promise<void>[]) {
  const results = await Promise.allSettled(pending);
  return results.find((result) => result.status === 'rejected');
}

function readEvent(
  event: unknown,
): { ok: true; event: LogEvent } | { ok: false; faults: readonly Fault[] } {
  return check(LogEvent, event)
    ? { ok: true, event }
    : { ok: false, faults: faultsOf(LogEvent, event) };
}

function retryDelay(deliveries: number): number {
  return Math.min(limits.retryDelayCapMs, limits.retryDelayMs * 2 ** Math.max(0, deliveries - 1));
}

/** The rejection of an event that took longer than the configuration allows. */
export function tooLong(seconds: number): AgentError {
  return new AgentError(
    'OPMAS_TIMEOUT',
    `processing took longer than ${seconds} s (processing.timeout)`,
  );
}
