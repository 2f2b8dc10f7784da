/** Times for people: how long ago in lists, and what `--since` may say. */
import { usageError } from '../errors.ts';

const UNITS: readonly (readonly [string, number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
];

/** `12s ago`; `-` for never. */
export function ago(time: string | null, now: number): string {
  if (time === null) return '-';
  const ms = now - Date.parse(time);
  if (ms < 1_000) return 'now';
  for (const [unit, size] of UNITS) {
    if (ms >= size) return `${Math.floor(ms / size)}${unit} ago`;
  }
  return 'now';
}

/** `15m`, `2h`, `1d` before now, or an RFC 3339 time. @throws {CliError} usage */
export function timeOption(name: string, text: string, now: number): string {
  const match = /^(\d{1,9})([smhd])$/.exec(text);
  const size = UNITS.find(([unit]) => unit === match?.[2])?.[1];
  if (match !== null && size !== undefined) {
    const time = now - Number(match[1]) * size;
    if (time > 0) return new Date(time).toISOString();
  }
  if (/^\d{4}-\d{2}-\d{2}/.test(text) && !Number.isNaN(Date.parse(text))) {
    return new Date(text).toISOString();
  }
  throw usageError(
    `${name} ${JSON.stringify(text)} is no time: say 15m, 2h, 1d, or 2026-01-31T12:00:00Z`,
  );
}
