/** What belongs to the event being processed: ordinals of its findings, and their acknowledgements. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { LogEvent } from '@opmas/protocol';

const NONE: readonly never[] = [];

export class EventScope {
  readonly event: LogEvent;
  readonly topic: string;
  findings = 0;
  /** Findings of this event are published after it: what the event counted for is kept. */
  kept: Promise<void> | undefined;
  // Made when needed: most events make no finding, and touch no metric.
  #pending: Promise<void>[] | undefined;
  #whenStored: (() => void)[] | undefined;
  #touched: Set<string> | undefined;
  #ordinals: Map<string, number> | undefined;

  constructor(event: LogEvent, topic: string) {
    this.event = event;
    this.topic = topic;
  }

  /** Acknowledgements the event's message waits for. */
  get pending(): readonly Promise<void>[] {
    return this.#pending ?? NONE;
  }

  /** The event's message is acknowledged after `stored` alone. */
  waitFor(stored: Promise<void>): void {
    (this.#pending ??= []).push(stored);
  }

  /** `told` is for when all findings of the event are stored. */
  onceStored(told: () => void): void {
    (this.#whenStored ??= []).push(told);
  }

  /** What is to be called when all findings of the event are stored; it is handed out once. */
  takeOnceStored(): readonly (() => void)[] {
    const told = this.#whenStored ?? NONE;
    this.#whenStored = undefined;
    return told;
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
