/** When an event happened, as far as its device's clock can be believed. */
import type { LogEvent } from '@opmas/protocol';
import { windowBounds } from './limits.ts';

/**
 * When it came in: `received_at`, which is the same at every delivery; without it `now`, and `now` for one that has
 * still to come by more than a minute: who sends events may write it, and would make time pass for all others.
 * Milliseconds.
 */
export function arrivalOf(event: LogEvent, now: number): number {
  const arrived = event.received_at === undefined ? Number.NaN : timeOf(event.received_at);
  return Number.isNaN(arrived) || arrived > now + windowBounds.skewMs ? now : arrived;
}

/**
 * The event's own time, held to `skewMs` around its arrival. With at most a quarter of the window as skew
 * no clock can push what others send out of it: what arrives together is at most half a window apart.
 */
export function eventTime(event: LogEvent, arrived: number, skewMs: number): number {
  const own = timeOf(event.timestamp);
  if (own < arrived - skewMs) return arrived - skewMs;
  if (own > arrived + skewMs) return arrived + skewMs;
  return Number.isNaN(own) ? arrived : own;
}

/** `2026-01-01T00:00:` and what it stands for: most events are of the same minute as the one before. */
let minute = '';
let minuteMs = 0;

/** As Date.parse, which takes several times as long. */
function timeOf(text: string): number {
  // The form that OPMAS writes: 2026-01-01T00:00:00.000Z
  if (text.length !== 24 || !text.endsWith('Z') || text[19] !== '.') return Date.parse(text);
  const tens = text.charCodeAt(17) - 48;
  const ones = text.charCodeAt(18) - 48;
  const ms = digit(text, 20) * 100 + digit(text, 21) * 10 + digit(text, 22);
  if (!(tens >= 0 && tens <= 5 && ones >= 0 && ones <= 9 && ms >= 0)) return Date.parse(text);
  if (!text.startsWith(minute) || minute === '') {
    const prefix = text.slice(0, 17);
    const parsed = Date.parse(`${prefix}00.000Z`);
    if (Number.isNaN(parsed)) return parsed;
    minute = prefix;
    minuteMs = parsed;
  }
  return minuteMs + (tens * 10 + ones) * 1_000 + ms;
}

/** Not a number for what is no digit. */
function digit(text: string, at: number): number {
  const value = text.charCodeAt(at) - 48;
  return value >= 0 && value <= 9 ? value : Number.NaN;
}
