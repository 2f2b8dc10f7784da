/** One delivery of one message of events, as the worker sees it: what it holds and how to answer it. */
export interface Delivery {
  topic: string;
  data: Uint8Array;
  /** The same for every delivery of the same message, and for no other. */
  key: string;
  /** 1 for the first. */
  deliveries: number;
  /** Done: never again. */
  ack(): void;
  /** Not done: again after `delayMs`. */
  nak(delayMs: number): void;
  /** Still at it: resets the broker's patience. */
  working(): void;
}
