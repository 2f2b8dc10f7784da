/** Completes one posted event, or says why it cannot be taken. */
import {
  check,
  faultsOf,
  IncomingEvent,
  isPlainObject,
  LogEvent,
  limits,
  TOKEN,
} from '@opmas/protocol';
import { ingestLimits } from './limits.ts';
import { utc } from './normalise.ts';
import type { Router } from './routing.ts';

/** What reading needs from outside: the clock's time, ids, and the routing table. */
export interface EntryContext {
  /** Milliseconds, UTC. */
  now: number;
  newId: () => string;
  router: Router;
}

export interface CompleteEvent {
  id: string;
  domain: string;
  /** The event as JSON, ready to publish. */
  json: string;
  /** What makes the event the same on a retry: its id and the client's own content. */
  identity: string;
}

/** Fills what the client left out; the result satisfies the event schema and every bound. */
export function completeEvent(
  value: unknown,
  domain: string | undefined,
  context: EntryContext,
): CompleteEvent | { error: string } {
  if (!isPlainObject(value)) return { error: 'must be a JSON object with a "message"' };
  if (!isShallow(value, ingestLimits.eventDepth))
    return { error: `nested deeper than ${ingestLimits.eventDepth} levels` };
  const given = JSON.stringify(value);
  const posted: unknown = UNSTORABLE.test(given) ? storable(value) : value;
  if (!check(IncomingEvent, posted)) return { error: faultText(posted) };
  const time = posted.timestamp === undefined ? context.now : Date.parse(posted.timestamp);
  if (Number.isNaN(time))
    return { error: 'timestamp: must be an RFC 3339 date and time that exists' };
  const target = domain ?? domainOf(posted, context.router);
  const id = posted.event_id ?? context.newId();
  const event: LogEvent = {
    ...posted,
    event_id: id,
    timestamp: utc(time),
    type: posted.type ?? target,
    // Ours to say: windows of rules hold an event's own time to it, whatever the sender's clock shows.
    received_at: utc(context.now),
  };
  const json = JSON.stringify(event);
  const bytes = Buffer.byteLength(json);
  if (bytes > limits.eventBytes)
    return { error: `is ${bytes} bytes of JSON; at most ${limits.eventBytes}` };
  return { id, domain: target, json, identity: `${id}\n${given}` };
}

/** `type` when it names a known domain, else what the routing table says. */
function domainOf(event: IncomingEvent, router: Router): string {
  if (event.type !== undefined && TOKEN.test(event.type) && router.isKnown(event.type))
    return event.type;
  return router.domainOf(event);
}

function faultText(value: unknown): string {
  const text = faultsOf(IncomingEvent, value)
    .map(({ path, message }) => (path === '' ? message : `${path}: ${message}`))
    .join('; ');
  return text.slice(0, ingestLimits.rejectionChars).toWellFormed() || 'is no event';
}

/** A zero or a lone surrogate, as JSON.stringify writes them: no database text can hold either. */
const UNSTORABLE = /\\u0000|\\ud[89a-f]/;

function storable(value: unknown): unknown {
  if (typeof value === 'string') return value.toWellFormed().replaceAll('\0', '\ufffd');
  if (Array.isArray(value)) return value.map(storable);
  if (!isPlainObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [storable(key), storable(inner)]),
  );
}

/** At most `levels` of objects and lists; looks no deeper than that. */
function isShallow(value: unknown, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true;
  if (levels === 0) return false;
  for (const inner of Object.values(value))
    if (typeof inner === 'object' && !isShallow(inner, levels - 1)) return false;
  return true;
}
