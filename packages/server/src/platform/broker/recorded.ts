/** Reads recorded log events from the stream that keeps them. */
import { type Bus, type RangeOptions, readRange, streamInfo } from '@opmas/bus';
import { streams } from '@opmas/protocol';
import type { RecordedEvents, RecordedMessage } from '../ports.ts';

/** Places looked at first, going backwards; twice as many each further time. */
const FIRST_LOOK = 256;
const LINE_FEED = 10;

export function recordedEvents(bus: Bus): RecordedEvents {
  const stream = streams.events.name;

  async function* read(
    topics: readonly string[],
    range: Pick<RangeOptions, 'from' | 'toSeq'>,
  ): AsyncGenerator<RecordedMessage[]> {
    const [only] = topics;
    const filterSubject = topics.length === 1 && only !== undefined ? only : 'logs.>';
    const wanted = new Set(topics);
    for await (const messages of readRange(bus, { stream, filterSubject, ...range })) {
      const ours = messages.filter(({ subject }) => wanted.size === 0 || wanted.has(subject));
      if (ours.length > 0) yield ours;
    }
  }

  return {
    newest: async function* (topics, { events, bytes }) {
      const state = await streamInfo(bus, stream);
      if (state === undefined) return;
      const parts: RecordedMessage[][] = [];
      let [found, size, look, toSeq] = [0, 0, FIRST_LOOK, state.last_seq];
      while (toSeq >= state.first_seq && toSeq > 0 && found < events && size < bytes) {
        const seq = Math.max(state.first_seq, toSeq - look + 1);
        const kept = keptOf(bytes - size);
        for await (const messages of read(topics, { from: { seq }, toSeq })) kept.add(messages);
        for (const { data } of kept.messages) {
          found += eventsIn(data);
          size += data.length;
        }
        parts.push(kept.messages);
        toSeq = seq - 1;
        look *= 2;
      }
      for (const part of parts.reverse()) if (part.length > 0) yield part;
    },
    between: async function* (topics, { from, to }) {
      for await (const messages of read(topics, { from: { storedAt: from } })) {
        const before = messages.filter(({ storedAt }) => storedAt < to);
        if (before.length > 0) yield before;
        if (before.length < messages.length) return;
      }
    },
  };
}

/** Of messages that come oldest first the newest that reach `bytes`: those before them are let go at once. */
function keptOf(bytes: number) {
  const messages: RecordedMessage[] = [];
  let size = 0;
  return {
    messages,
    add: (more: readonly RecordedMessage[]) => {
      messages.push(...more);
      for (const { data } of more) size += data.length;
      let over = 0;
      for (const { data } of messages) {
        if (size - data.length < bytes) break;
        size -= data.length;
        over += 1;
      }
      messages.splice(0, over);
    },
  };
}

/** Lines of NDJSON; of a JSON array at least one. */
function eventsIn(data: Uint8Array): number {
  let lines = 1;
  for (let at = data.indexOf(LINE_FEED); at >= 0 && at < data.length - 1; lines += 1) {
    at = data.indexOf(LINE_FEED, at + 1);
  }
  return lines;
}
