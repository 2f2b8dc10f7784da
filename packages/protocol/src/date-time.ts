/** Makes the check of a time in OPMAS's own form cheap; all other forms are checked as before. */
import { IsDateTime, setFormat } from './typebox.ts';

const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/**
 * RFC 3339 date and time. Every event carries two: the form OPMAS writes (`2026-11-21T09:05:01.250Z`)
 * takes a fifth of the general check's time.
 */
export function isDateTime(value: string): boolean {
  return isOwnForm(value) || IsDateTime(value);
}

setFormat('date-time', isDateTime);

/** Is `value` a UTC time with milliseconds? Leaves 29 February and leap seconds to the general check. */
function isOwnForm(value: string): boolean {
  if (value.length !== 24) return false;
  const month = number(value, 5, 2);
  const day = number(value, 8, 2);
  return (
    number(value, 0, 4) >= 0 &&
    value.charCodeAt(4) === 45 &&
    month >= 1 &&
    month <= 12 &&
    value.charCodeAt(7) === 45 &&
    day >= 1 &&
    day <= (DAYS[month - 1] ?? 0) &&
    value.charCodeAt(10) === 84 &&
    within(number(value, 11, 2), 23) &&
    value.charCodeAt(13) === 58 &&
    within(number(value, 14, 2), 59) &&
    value.charCodeAt(16) === 58 &&
    within(number(value, 17, 2), 59) &&
    value.charCodeAt(19) === 46 &&
    number(value, 20, 3) >= 0 &&
    value.charCodeAt(23) === 90
  );
}

function within(value: number, most: number): boolean {
  return value >= 0 && value <= most;
}

/** The digits at `at`; -1 when they are none. */
function number(text: string, at: number, digits: number): number {
  let value = 0;
  for (let i = at; i < at + digits; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (!(digit >= 0 && digit <= 9)) return -1;
    value = value * 10 + digit;
  }
  return value;
}
