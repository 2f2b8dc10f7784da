/** Turns the body of `POST /events` into batches ready to publish, and says what was wrong with the rest. */
import { isUtf8 } from 'node:buffer';
import { type ErrorCode, limits, subjects, TOKEN } from '@opmas/protocol';
import { Batcher, type EventBatch } from './http-batches.ts';
import { completeEvent, type EntryContext } from './http-event.ts';

export interface PostedEvents {
  /** The body as received, at most `limits.httpEventsBytes`. */
  body: Uint8Array;
  /** The `Content-Type` header; nothing means JSON. */
  contentType?: string | undefined;
  /** The `?domain=` parameter. */
  domain?: string | undefined;
}

export interface Rejection {
  /** Place in the list, from 0; blank NDJSON lines do not count. */
  index: number;
  error: string;
}

export type ReadEvents =
  | { ok: true; accepted: number; batches: EventBatch[]; rejected: Rejection[] }
  | { ok: false; code: ErrorCode; detail: string };

/**
 * Reads a body: one JSON object, a JSON array, or NDJSON (`application/x-ndjson`). Bad events are
 * rejected one by one; `ok: false` means that the body as a whole cannot be taken, with the code to
 * answer. Fills `event_id`, `timestamp`, `type`, and stamps `received_at`; a client's `event_id` is kept, and an
 * identical body with the client's own ids gives identical `msg_id`s. Never throws on any input.
 */
export function readEvents(posted: PostedEvents, context: EntryContext): ReadEvents {
  const { body, domain } = posted;
  if (body.length > limits.httpEventsBytes)
    return refuse(
      'OPMAS_TOO_LARGE',
      `The body has ${body.length} bytes; at most ${limits.httpEventsBytes}. Send it in parts.`,
    );
  if (domain !== undefined && !TOKEN.test(domain))
    return refuse('OPMAS_INVALID_REQUEST', '?domain= must be 1 to 64 of A-Z a-z 0-9 _ -');
  const form = formOf(posted.contentType);
  if (form === undefined)
    return refuse(
      'OPMAS_UNSUPPORTED_MEDIA',
      'Content-Type must be application/json (an event or a list) or application/x-ndjson',
    );
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const entries = form === 'json' ? jsonEntries(bytes) : ndjsonEntries(bytes);
  if ('code' in entries) return entries;
  if (entries.length === 0) return refuse('OPMAS_INVALID_REQUEST', 'The body holds no event.');
  return complete(entries, domain, context);
}

type Refusal = Extract<ReadEvents, { ok: false }>;
type Entry = { value: unknown } | { error: string };

function refuse(code: ErrorCode, detail: string): Refusal {
  return { ok: false, code, detail };
}

function complete(
  entries: readonly Entry[],
  domain: string | undefined,
  context: EntryContext,
): ReadEvents {
  const rejected: Rejection[] = [];
  const batcher = new Batcher();
  for (const [index, entry] of entries.entries()) {
    const done = 'error' in entry ? entry : completeEvent(entry.value, domain, context);
    if ('error' in done) rejected.push({ index, error: done.error });
    else batcher.add(subjects.logs(done.domain), done);
  }
  return {
    ok: true,
    accepted: entries.length - rejected.length,
    batches: batcher.finish(),
    rejected,
  };
}

function formOf(contentType: string | undefined): 'json' | 'ndjson' | undefined {
  const media = (contentType ?? 'application/json').split(';', 1)[0]?.trim().toLowerCase();
  if (media === 'application/json' || media === '') return 'json';
  if (media === 'application/x-ndjson' || media === 'application/ndjson') return 'ndjson';
  return undefined;
}

function tooMany(count: number | string): Refusal {
  return refuse(
    'OPMAS_TOO_LARGE',
    `The body holds ${count} events; at most ${limits.httpEvents}. Send it in parts.`,
  );
}

function jsonEntries(bytes: Buffer): Entry[] | Refusal {
  if (!isUtf8(bytes)) return refuse('OPMAS_INVALID_REQUEST', 'The body is not UTF-8.');
  let value: unknown;
  try {
    value = JSON.parse(withoutMark(bytes.toString('utf8')));
  } catch (error) {
    return refuse('OPMAS_INVALID_REQUEST', `The body is not JSON: ${reason(error)}`);
  }
  if (!Array.isArray(value)) return [{ value }];
  if (value.length > limits.httpEvents) return tooMany(value.length);
  return value.map((each: unknown) => ({ value: each }));
}

function ndjsonEntries(bytes: Buffer): Entry[] | Refusal {
  const entries: Entry[] = [];
  for (let at = 0; at < bytes.length; ) {
    const found = bytes.indexOf(10, at);
    const end = found < 0 ? bytes.length : found;
    const entry = ndjsonEntry(bytes.subarray(at, end));
    at = end + 1;
    if (entry === undefined) continue;
    if (entries.length === limits.httpEvents) return tooMany(`over ${limits.httpEvents}`);
    entries.push(entry);
  }
  return entries;
}

/** One line; undefined when it is blank. */
function ndjsonEntry(bytes: Buffer): Entry | undefined {
  if (!isUtf8(bytes)) return { error: 'not UTF-8' };
  const line = withoutMark(bytes.toString('utf8')).trim();
  if (line === '') return undefined;
  try {
    return { value: JSON.parse(line) };
  } catch (error) {
    return { error: `not JSON: ${reason(error)}` };
  }
}

function withoutMark(text: string): string {
  return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
}

function reason(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).slice(0, 200);
}
