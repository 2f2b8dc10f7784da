/** Turns a message's bytes into events with places that are the same on every delivery. */
import { decodeEvents } from '@opmas/bus';
import { limits as wire } from '@opmas/protocol';
import type { Decoded } from './worker.ts';

/** Broken parts are numbered beyond any event, so that no place is used twice. */
const BROKEN_FROM = wire.batchEvents;

export function decodeMessage(data: Uint8Array): Decoded {
  const { events, errors, rejected } = decodeEvents(data);
  const broken = errors.map((fault, place) => ({
    index: BROKEN_FROM + place,
    text: fault.excerpt,
    error: `part ${fault.index} cannot be read: ${fault.message}`,
  }));
  if (rejected > errors.length) {
    const more = rejected - errors.length;
    broken.push({
      index: BROKEN_FROM + errors.length,
      text: '',
      error: `${more} more parts of the message cannot be read`,
    });
  }
  return { events: events.map((event, index) => ({ index, event })), broken };
}
