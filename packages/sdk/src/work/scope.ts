/** What belongs to the event being processed: ordinals of its findings, and their acknowledgements. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { LogEvent } from '@opmas/protocol';

export class EventScope {
  readonly event: LogEvent;
  readonly topic: string;
  /** Acknowledgements the event's message waits for. */
  readonly pending: Promise<void>[] = [];
  findings = 0;
  // Made when needed: most events make no finding, and touch no metric.
  #touched: Set<string> | undefined;
  #ordinals: Map<string, number> | undefined;

  constructor(event: LogEvent, topic: string) {
    this.event = event;
    this.topic = topic;
  }

  /** 0, 1, 2 … for findings of one subject (rule or type), the same on every delivery. */
  ordinal(subject: string): number {
    this.#ordinals ??= new Map();
    const next = this.#ordinals.get(subject) ?? 0;
    this.#ordinals.set(subject, next + 1);
    return next;
  }

  /** The author wrote this metric himself: the runtime then leaves it alone. */
  touch(metric: string): void {
    this.#touched ??= new Set();
    this.#touched.add(metric);
  }

  hasTouched(metric: string): boolean {
    return this.#touched?.has(metric) ?? false;
  }
}

const storage = new AsyncLocalStorage<EventScope>();

/** Runs `work` so that findings made inside belong to `scope`'s event. */
export function inScope<T>(scope: EventScope, work: () => T): T {
  return storage.run(scope, work);
}

/** The event being processed here, if any. */
export function currentScope(): EventScope | undefined {
  return storage.getStore();
}
