// On which lines of the typed rules the server found something wrong.
import { type JsonReading, lineOf } from '../../lib/json-text.ts';
import { listOf } from './input.ts';

/** `rules[3].pattern`: which rule of those that were sent, and what of it. */
const PLACE = /^rules(?:\[(\d+)\]|\.(\d+))(.*)$/;

/**
 * @param typed the rules as they were typed, and the text's own places
 * @param sent all that were sent: the typed ones may stand among others, which have no line here
 */
export function faultLines(
  reading: JsonReading<object>,
  typed: readonly unknown[],
  sent: readonly unknown[],
  paths: readonly string[],
): ReadonlySet<number> {
  if (!reading.ok) return new Set();
  const { value, lines } = reading;
  const prefix = Array.isArray(value) ? '' : 'rules' in value ? 'rules.' : undefined;
  const found = paths.flatMap((path) => {
    const [, bracket, dot, rest = ''] = PLACE.exec(path) ?? [];
    const at = typed.indexOf(sent[Number(bracket ?? dot)]);
    if (at < 0) return [];
    // One rule by itself has no place before its keys; what is missing from it is told at its beginning.
    if (prefix === undefined) return lineOf(lines, rest.replace(/^\./, '')) ?? 1;
    return lineOf(lines, `${prefix}${at}${rest}`) ?? [];
  });
  return new Set(found);
}

/** The rules in what was read. */
export function rulesIn(reading: JsonReading<object>): readonly unknown[] {
  return reading.ok ? (listOf(reading.value) ?? []) : [];
}
