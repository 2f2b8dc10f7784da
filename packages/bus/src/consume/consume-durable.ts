/** Messages of a durable consumer, one handler call each. */
import type { Bus } from '../connection/bus.ts';
import { BusError } from '../errors.ts';
import { busLimits } from '../limits.ts';
import { type JsMessage, toJsMessage } from './message.ts';
import { PullSource } from './pull-source.ts';

export interface ConsumeOptions {
  stream: string;
  consumer: string;
  /** Messages held in this process at once. */
  maxMessages?: number;
  /** Handlers at work at once; 1 keeps the stream's order. */
  concurrency?: number;
  /**
   * Settles the message (ack, nak, term), now or later. When it fails without having done so, the
   * message is sent again after a second.
   */
  onMessage: (message: JsMessage) => void | Promise<void>;
  /** A handler that failed, or a consumer that cannot be reached (told once; tried for ever). */
  onError: (error: unknown) => void;
  onRecovered?: () => void;
  /** Called when the consumer is missing, to make it again (the server alone has the right). */
  onGone?: () => Promise<void>;
}

export interface Consumption {
  /** Handed to a handler or waiting for one. */
  held(): number;
  /** No new messages; waiting ones go back to the broker, handlers at work are awaited. */
  stop(): Promise<void>;
}

/** Survives restarts of the broker, a consumer that is missing for a while, and swaps. */
export function consumeDurable(bus: Bus, options: ConsumeOptions): Consumption {
  const { concurrency = 1, maxMessages = busLimits.consumerWindow } = options;
  const waiting: JsMessage[] = [];
  const atWork = new Set<Promise<void>>();
  let stopped = false;

  const source = new PullSource(bus, {
    stream: options.stream,
    consumer: options.consumer,
    window: maxMessages,
    onMessage: (raw) => {
      const message = toJsMessage(bus, raw);
      if (message === undefined) {
        source.release(1);
        options.onError(
          new BusError('OPMAS_INTERNAL', `a message on ${raw.subject} is not the consumer's`),
        );
        return;
      }
      if (stopped) message.nak();
      else waiting.push(message);
      next();
    },
    onTrouble: options.onError,
    ...(options.onRecovered === undefined ? {} : { onRecovered: options.onRecovered }),
    ...(options.onGone === undefined ? {} : { onGone: options.onGone }),
  });

  function next(): void {
    while (!stopped && atWork.size < concurrency) {
      const message = waiting.shift();
      if (message === undefined) return;
      const work: Promise<void> = handle(message).finally(() => {
        atWork.delete(work);
        source.release(1);
        next();
      });
      atWork.add(work);
    }
  }

  async function handle(message: JsMessage): Promise<void> {
    try {
      await options.onMessage(message);
    } catch (error) {
      if (!message.settled()) message.nak(1_000);
      options.onError(error);
    }
  }

  return {
    held: () => waiting.length + atWork.size,
    stop: async () => {
      stopped = true;
      await source.stop();
      for (const message of waiting.splice(0)) message.nak();
      await Promise.all(atWork);
    },
  };
}
