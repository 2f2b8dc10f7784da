/** Messages of a durable consumer in arrays, for a handler that commits many at once. */
import type { Bus } from '../connection/bus.ts';
import { BusError } from '../errors.ts';
import type { Consumption } from './consume-durable.ts';
import { type JsMessage, toJsMessage } from './message.ts';
import { PullSource } from './pull-source.ts';

export interface BatchConsumeOptions {
  stream: string;
  consumer: string;
  /** Messages in one array, at most. */
  maxMessages: number;
  /** How long an array that is not full waits, from its first message. */
  maxWaitMs: number;
  /**
   * One array at a time, in stream order. It settles its messages. When it fails, those it did not
   * settle are sent again after `retryDelayMs`, and no other array is handed over before that.
   */
  onBatch: (messages: JsMessage[]) => Promise<void>;
  onError: (error: unknown) => void;
  onRecovered?: () => void;
  onGone?: () => Promise<void>;
  retryDelayMs?: number;
}

/** Twice `maxMessages` are held at once: one array at work, one filling. */
export function fetchBatches(bus: Bus, options: BatchConsumeOptions): Consumption {
  const { maxMessages, maxWaitMs, retryDelayMs = 1_000 } = options;
  let waiting: JsMessage[] = [];
  let atWork: Promise<void> | undefined;
  let working = 0;
  let timer: NodeJS.Timeout | undefined;
  let due = false;
  let stopped = false;
  let wake: (() => void) | undefined;

  const source = new PullSource(bus, {
    stream: options.stream,
    consumer: options.consumer,
    window: maxMessages * 2,
    onMessage: (raw) => {
      const message = toJsMessage(bus, raw);
      if (message === undefined) {
        source.release(1);
        options.onError(
          new BusError('OPMAS_INTERNAL', `a message on ${raw.subject} is not the consumer's`),
        );
        return;
      }
      if (stopped) {
        message.nak();
        return;
      }
      waiting.push(message);
      timer ??= setTimeout(() => {
        due = true;
        next();
      }, maxWaitMs);
      next();
    },
    onTrouble: options.onError,
    ...(options.onRecovered === undefined ? {} : { onRecovered: options.onRecovered }),
    ...(options.onGone === undefined ? {} : { onGone: options.onGone }),
  });

  function next(): void {
    if (stopped || atWork !== undefined || waiting.length === 0) return;
    if (waiting.length < maxMessages && !due) return;
    clearTimeout(timer);
    timer = undefined;
    due = false;
    const batch = waiting.slice(0, maxMessages);
    waiting = waiting.slice(maxMessages);
    if (waiting.length > 0) {
      timer = setTimeout(() => {
        due = true;
        next();
      }, maxWaitMs);
    }
    working = batch.length;
    atWork = handle(batch).finally(() => {
      atWork = undefined;
      working = 0;
      source.release(batch.length);
      next();
    });
  }

  async function handle(batch: JsMessage[]): Promise<void> {
    try {
      await options.onBatch(batch);
    } catch (error) {
      options.onError(error);
      for (const message of batch) message.nak(retryDelayMs);
      await pause();
    }
  }

  function pause(): Promise<void> {
    if (stopped) return Promise.resolve();
    return new Promise((resolve) => {
      const done = setTimeout(resolve, retryDelayMs);
      wake = () => {
        clearTimeout(done);
        resolve();
      };
    });
  }

  return {
    held: () => waiting.length + working,
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      wake?.();
      await source.stop();
      for (const message of waiting.splice(0)) message.nak();
      await atWork;
    },
  };
}
