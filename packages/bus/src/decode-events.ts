/** Payloads of `logs.<domain>`: one JSON object, an array, or NDJSON; hostile until proven otherwise. */
import { limits } from '@opmas/protocol';
import { busLimits } from './limits.ts';

const SPACE = 32;
const TAB = 9;
const CARRIAGE_RETURN = 13;

export interface DecodeFault {
  /** Place in the payload, from 0. */
  index: number;
  message: string;
  /** The start of what could not be read. */
  excerpt: string;
}

export interface DecodedEvents {
  /** JSON objects, not yet validated against the event schema. */
  events: Record<string, unknown>[];
  /** At most 100 are listed; `rejected` counts all. */
  errors: DecodeFault[];
  rejected: number;
}

/**
 * Reads a payload. Never throws: what cannot be read is reported by place, the rest is kept. At most
 * 1,000 events of 1,000,000 bytes, and a payload of at most 8 MiB.
 */
export function decodeEvents(data: Uint8Array): DecodedEvents {
  const result: DecodedEvents = { events: [], errors: [], rejected: 0 };
  if (data.length > busLimits.decodeBytes) {
    fault(
      result,
      0,
      `the payload has ${data.length} bytes; at most ${busLimits.decodeBytes} are read`,
      '',
    );
    return result;
  }
  const text = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('utf8').trim();
  if (text === '') {
    fault(result, 0, 'the payload is empty', '');
    return result;
  }
  const whole = text.startsWith('[') || !text.includes('\n') ? parse(text) : undefined;
  if (whole?.ok === true && Array.isArray(whole.value)) {
    const measure = data.length > limits.eventBytes;
    whole.value.forEach((value: unknown, index) =>
      take(result, index, value, measure ? JSON.stringify(value) : undefined),
    );
  } else if (whole?.ok === true) take(result, 0, whole.value, text);
  else readLines(result, text);
  return result;
}

/** An object a line, or one object written over several. */
function readLines(result: DecodedEvents, text: string): void {
  let index = 0;
  for (let begin = 0; begin < text.length; ) {
    const found = text.indexOf('\n', begin);
    const end = found < 0 ? text.length : found;
    const line = text.slice(begin, end);
    begin = end + 1;
    if (!isWritten(line)) continue;
    const parsed = parse(line);
    if (!parsed.ok && index === 0 && begin < text.length) {
      const pretty = parse(text);
      if (pretty.ok) {
        take(result, 0, pretty.value, text);
        return;
      }
    }
    if (parsed.ok) take(result, index, parsed.value, line);
    else fault(result, index, parsed.message, line);
    index += 1;
  }
}

type Parse = { ok: true; value: unknown } | { ok: false; message: string };

function parse(text: string): Parse {
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch (error) {
    return { ok: false, message: error instanceof Error ? error.message : String(error) };
  }
}

/** `source`: the event's own text; an element of an array has none, and is written again when needed. */
function take(result: DecodedEvents, index: number, value: unknown, source?: string): void {
  const wrong = (message: string) => fault(result, index, message, source ?? JSON.stringify(value));
  if (!isObject(value)) wrong('an event is a JSON object');
  else if (result.events.length >= limits.batchEvents) {
    wrong(`more than ${limits.batchEvents} events in one message`);
  } else if (source !== undefined && isTooLong(source)) {
    wrong(`an event has more than ${limits.eventBytes} bytes`);
  } else result.events.push(value);
}

/** Is there anything but white space, as JSON and the screening of payloads know it? */
function isWritten(line: string): boolean {
  for (let at = 0; at < line.length; at++) {
    const char = line.charCodeAt(at);
    if (char !== SPACE && char !== TAB && char !== CARRIAGE_RETURN) return true;
  }
  return false;
}

/** Counts the bytes only where they may be too many: a character has three at most. */
function isTooLong(text: string): boolean {
  return text.length * 3 > limits.eventBytes && Buffer.byteLength(text) > limits.eventBytes;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function fault(result: DecodedEvents, index: number, message: string, source: string): void {
  result.rejected += 1;
  if (result.errors.length >= busLimits.decodeErrors) return;
  result.errors.push({ index, message, excerpt: source.slice(0, busLimits.decodeExcerpt) });
}
