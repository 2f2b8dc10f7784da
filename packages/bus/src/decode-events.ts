/** Payloads of `logs.<domain>`: one JSON object, an array, or NDJSON; hostile until proven otherwise. */
import { limits } from '@opmas/protocol';
import { busLimits } from './limits.ts';

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

function readLines(result: DecodedEvents, text: string): void {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const first = parse(lines[0] ?? '');
  if (!first.ok && lines.length > 1) {
    // One object written over several lines.
    const pretty = parse(text);
    if (pretty.ok) {
      take(result, 0, pretty.value, text);
      return;
    }
  }
  lines.forEach((line, index) => {
    const parsed = index === 0 ? first : parse(line);
    if (parsed.ok) take(result, index, parsed.value, line);
    else fault(result, index, parsed.message, line);
  });
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
  const text = () => source ?? JSON.stringify(value);
  if (!isObject(value)) fault(result, index, 'an event is a JSON object', text());
  else if (result.events.length >= limits.batchEvents) {
    fault(result, index, `more than ${limits.batchEvents} events in one message`, text());
  } else if (source !== undefined && isTooLong(source)) {
    fault(result, index, `an event has more than ${limits.eventBytes} bytes`, text());
  } else result.events.push(value);
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
