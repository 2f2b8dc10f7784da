/** Events of one topic on their way into one message. */
import { createHash } from 'node:crypto';
import { limits } from '@opmas/protocol';
import { BusError } from '../errors.ts';

export type EventJson = string | Uint8Array;

/** A sealed message: its id never changes again, however often it is sent. */
export interface Batch {
  topic: string;
  payload: Uint8Array;
  count: number;
  bytes: number;
  msgId: string;
  attempts: number;
  /** When it was last sent, by `performance.now()`. */
  sentAt: number;
  settle: ((error?: BusError) => void)[];
}

export function sealed(topic: string, payload: Uint8Array, count: number, msgId: string): Batch {
  return {
    topic,
    payload,
    count,
    bytes: payload.length,
    msgId,
    attempts: 0,
    sentAt: 0,
    settle: [],
  };
}

/** Bytes of one event. @throws {BusError} OPMAS_INVALID_REQUEST: empty, a line break, or too large. */
export function measure(event: EventJson): number {
  const bytes = typeof event === 'string' ? Buffer.byteLength(event) : event.length;
  if (bytes === 0) throw new BusError('OPMAS_INVALID_REQUEST', 'an event is empty');
  if (bytes > limits.eventBytes) {
    throw new BusError(
      'OPMAS_INVALID_REQUEST',
      `an event has ${bytes} bytes; at most ${limits.eventBytes} are possible`,
    );
  }
  if (typeof event === 'string' ? event.includes('\n') : event.includes(10)) {
    throw new BusError(
      'OPMAS_INVALID_REQUEST',
      'an event holds a line break; write its JSON on one line',
    );
  }
  return bytes;
}

/** Events joined by line breaks. */
export function ndjson(events: readonly EventJson[]): Uint8Array {
  if (events.every((event) => typeof event === 'string')) return Buffer.from(events.join('\n'));
  const parts = events.flatMap((event, index) => {
    const bytes = typeof event === 'string' ? Buffer.from(event) : event;
    return index === 0 ? [bytes] : [NEWLINE, bytes];
  });
  return Buffer.concat(parts);
}

const NEWLINE = Buffer.from('\n');

/** A batch that is still filling. */
export class OpenBatch {
  readonly topic: string;
  readonly #events: EventJson[] = [];
  readonly #ids: string[] = [];
  bytes = 0;

  constructor(topic: string) {
    this.topic = topic;
  }

  get count() {
    return this.#events.length;
  }

  push(event: EventJson, bytes: number, id: string): void {
    this.#events.push(event);
    this.#ids.push(id);
    this.bytes += bytes + 1;
  }

  /**
   * The message id is made of topic, ids and content: the same events packed the same way are one
   * message, and different ones never share an id, even when a producer reuses event ids.
   */
  seal(): Batch {
    const payload = ndjson(this.#events);
    const hash = createHash('sha1')
      .update(`${this.topic}\n${this.#ids.join('\n')}\n`)
      .update(payload);
    return sealed(this.topic, payload, this.count, hash.digest('base64url'));
  }
}
