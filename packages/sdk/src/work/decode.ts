/** Turns a message's bytes into events with places that are the same on every delivery. */
import { decodeEvents } from '@opmas/bus';
import type { PayloadLine } from '@opmas/rules';

/** A message's content: events by their place, and what could not be read. */
export interface Decoded {
  events: { index: number; event: unknown }[];
  broken: { index: number; text: string; error: string }[];
  /** Places count every part, readable or not; false where there were too many of these to know. */
  exact: boolean;
}

/** The place of what stands for many broken parts together. */
const MORE = -1;

export function decodeMessage(data: Uint8Array): Decoded {
  const { events, errors, rejected } = decodeEvents(data);
  const broken = errors.map(({ index, excerpt, message }) => ({
    index,
    text: excerpt,
    error: `part ${index} cannot be read: ${message}`,
  }));
  if (rejected === 0) {
    return { events: events.map((event, index) => ({ index, event })), broken: [], exact: true };
  }
  const taken = new Set(errors.map(({ index }) => index));
  let next = 0;
  const placed = events.map((event) => {
    while (taken.has(next)) next += 1;
    return { index: next++, event };
  });
  const unlisted = rejected - errors.length;
  if (unlisted > 0) {
    broken.push({
      index: MORE,
      text: '',
      error: `${unlisted} more parts of the message cannot be read`,
    });
  }
  return { events: placed, broken, exact: unlisted === 0 };
}

/** Some lines of a message; undefined when one of them is no JSON object by itself. */
export function decodeLines(
  data: Uint8Array,
  lines: readonly PayloadLine[],
): Decoded['events'] | undefined {
  const events: Decoded['events'] = [];
  for (const { part, begin, end } of lines) {
    const [event, more] = decodeEvents(data.subarray(begin, end)).events;
    if (event === undefined || more !== undefined) return undefined;
    events.push({ index: part, event });
  }
  return events;
}
