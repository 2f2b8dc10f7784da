/** Finds an event among the recorded ones, by its id. */
import { createHash } from 'node:crypto';
import { isPlainObject } from '@opmas/protocol';
import { timestamp } from '../../kernel/clock.ts';
import type { RecordedEvents, RecordedMessage } from '../../platform/ports.ts';
import type { Proof } from './proof.schemas.ts';

export type RecordedEvent = NonNullable<NonNullable<Proof['event']>['recorded']>;

/** Bytes of events read until the one that is looked for. */
export const PROOF_BYTES = 128 * 1024 * 1024;

/** @returns undefined when it is not kept (any more) in that time, or lies beyond the bound */
export async function findEvent(
  recorded: RecordedEvents,
  eventId: string,
  range: { from: number; to: number },
): Promise<RecordedEvent | undefined> {
  let bytes = 0;
  for await (const messages of recorded.between([], range)) {
    for (const message of messages) {
      bytes += message.data.length;
      const json = textsIn(message, eventId).find((text) => idOf(text) === eventId);
      if (json === undefined) continue;
      return {
        subject: message.subject,
        sequence: message.seq,
        stored_at: timestamp(message.storedAt),
        json,
        sha256: createHash('sha256').update(json).digest('hex'),
      };
    }
    if (bytes > PROOF_BYTES) return undefined;
  }
  return undefined;
}

/**
 * What was recorded from an event on: others before it in its message are left out. Nothing, when it is not kept
 * (any more) or lies beyond the bound.
 */
export async function* from(
  eventId: string,
  source: AsyncIterable<readonly RecordedMessage[]>,
): AsyncGenerator<{ data: Uint8Array }[]> {
  let begun = false;
  let bytes = 0;
  for await (const messages of source) {
    const rest: { data: Uint8Array }[] = [];
    for (const message of messages) {
      if (begun) {
        rest.push(message);
        continue;
      }
      bytes += message.data.length;
      const texts = textsIn(message, eventId);
      const at = texts.findIndex((text) => idOf(text) === eventId);
      if (at < 0) continue;
      begun = true;
      rest.push({ data: Buffer.from(texts.slice(at).join('\n')) });
    }
    if (rest.length > 0) yield rest;
    else if (bytes > PROOF_BYTES) return;
  }
}

/** The events of a message as texts: none when the id does not stand in it. */
function textsIn({ data }: RecordedMessage, eventId: string): string[] {
  const buffer = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  const written = JSON.stringify(eventId);
  if (buffer.indexOf(written) < 0) return [];
  const text = buffer.toString('utf8').trim();
  if (!text.startsWith('[')) return text.split('\n').filter((line) => line.trim() !== '');
  const list = parsed(text);
  return Array.isArray(list) ? list.map((event) => JSON.stringify(event)) : [];
}

function idOf(text: string): unknown {
  const event = parsed(text);
  return isPlainObject(event) ? event['event_id'] : undefined;
}

/** Undefined for what is no JSON: anybody may have published it. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
