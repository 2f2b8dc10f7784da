/** What belongs to the event being processed: ordinals of its findings, and their acknowledgements. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { LogEvent } from '@opmas/protocol';

export class EventScope {
  readonly event: LogEvent;
  readonly topic: string;
  /** Acknowledgements the event's message waits for. */
  readonly pending: Promise<void>[] = [];
  /** Metrics the author wrote himself, which the runtime then leaves alone. */
  readonly touched = new Set<string>();
  readonly #ordinals = new Map<string, number>();
  findings = 0;

  constructor(event: LogEvent, topic: string) {
    this.event = event;
    this.topic = topic;
  }

  /** 0, 1, 2 … for findings of one subject (rule or type), the same on every delivery. */
  ordinal(subject: string): number {
    const next = this.#ordinals.get(subject) ?? 0;
    this.#ordinals.set(subject, next + 1);
    return next;
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
