/** Messages of a durable consumer, one handler call each. */
import type { Bus } from '../connection/bus.ts';
import { BusError } from '../errors.ts';
import { busLimits } from '../limits.ts';
import { type JsMessage, toJsMessage } from './message.ts';
import { PullSource } from './pull-source.ts';
import { Unsettled } from './unsettled.ts';

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
  /** By then the broker has sent again what was not settled: the consumer's `ack_wait` and the longest delay. */
  resendMs?: number;
  /** Called when the consumer is missing, to make it again (the server alone has the right). */
  onGone?: () => Promise<void>;
}

/** Messages being taken from a consumer. */
export interface Consumption {
  /** Handed to a handler or waiting for one. */
  held(): number;
  /** No new messages; waiting ones go back to the broker, handlers at work are awaited. */
  stop(): Promise<void>;
}

/**
 * What was stored for a consumer and is not done. `unknown`: something of which nobody here knows may come again,
 * or what was given back will.
 */
export type Left = 'nothing' | 'something' | 'unknown';

export interface DurableConsumption extends Consumption {
  /**
   * Of what was stored until this call, here and by whoever used the consumer before. For `resendMs` after the start
   * and after each loss of the connection the broker may have something out of which nobody here knows. Other
   * instances that read from the consumer at the same time are not looked at.
   */
  left(): Promise<Left>;
}

/** Survives restarts of the broker, a consumer that is missing for a while, and swaps. */
export function consumeDurable(bus: Bus, options: ConsumeOptions): DurableConsumption {
  const { concurrency = 1, maxMessages = busLimits.consumerWindow } = options;
  const { resendMs = busLimits.resendMs } = options;
  const unsettled = new Unsettled(resendMs);
  const waiting: JsMessage[] = [];
  const atWork = new Set<Promise<void>>();
  let stopped = false;

  const source = new PullSource(bus, {
    stream: options.stream,
    consumer: options.consumer,
    window: maxMessages,
    onMessage: (raw) => {
      const taken = toJsMessage(bus, raw);
      const message = taken === undefined ? undefined : noted(taken, unsettled);
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

  function allDone(): boolean {
    const here = waiting.length + atWork.size;
    return here === 0 && unsettled.size === 0;
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
    left: async () => {
      const now = performance.now();
      if (now - source.since < resendMs || unsettled.givenBack(now) > 0) return 'unknown';
      return allDone() && (await source.isDrained()) && allDone() ? 'nothing' : 'something';
    },
    stop: async () => {
      stopped = true;
      await source.stop();
      for (const message of waiting.splice(0)) message.nak();
      await Promise.all(atWork);
    },
  };
}

/** `message`, whose settling is noted: what could not be sent comes again like what was given back. */
function noted(message: JsMessage, unsettled: Unsettled): JsMessage {
  const { seq } = message;
  const givenBack = (delayMs = 0) => unsettled.giveBack(seq, delayMs, performance.now());
  const forGood = (sent: boolean) => {
    if (sent) unsettled.settle(seq);
    else givenBack();
    return sent;
  };
  unsettled.take(seq);
  return {
    ...message,
    ack: () => (message.settled() ? false : forGood(message.ack())),
    term: () => (message.settled() ? false : forGood(message.term())),
    nak: (delayMs) => {
      if (message.settled()) return false;
      givenBack(delayMs);
      return message.nak(delayMs);
    },
  };
}
