/** Is a line an event for sure? In TypeScript: the reference for `wasm/events.ts`. */
import { LONG_MONTHS, MEMBERS, TIME_LEAST, TIME_MOST } from './event-form.ts';

const MONTH = 5;
const DAY = 8;
const HOUR = 11;
const HOURS = 24;
const FEBRUARY = 2;

const OPENINGS = new RegExp(MEMBERS.map(({ opening }) => `(${opening})`).join('|'), 'y');
const STRING = /([^"\\\u0000-\u001f]*)"/y;
const INTEGER = /(0|[1-9]\d*)/y;

/**
 * True only of a line that `JSON.parse` and the schema of events accept: an object without white space, each member
 * known and there once, none left out that must be there. Of any other nothing is known.
 * @param line a character for each byte
 */
export function isSurelyEvent(line: string): boolean {
  if (line[0] !== '{') return false;
  const seen = new Set<number>();
  for (let at = 1; at < line.length; at += 1) {
    OPENINGS.lastIndex = at;
    const opened = OPENINGS.exec(line);
    if (opened === null) return false;
    const which = opened.findIndex((group, index) => index > 0 && group !== undefined) - 1;
    const member = MEMBERS[which];
    if (member === undefined || seen.has(which)) return false;
    seen.add(which);
    const form = member.kind === 'integer' ? INTEGER : STRING;
    form.lastIndex = OPENINGS.lastIndex;
    const value = form.exec(line)?.[1];
    if (value === undefined || value.length < member.least || value.length > member.most) {
      return false;
    }
    if (member.kind === 'time' && !isTime(value)) return false;
    at = form.lastIndex;
    if (line[at] === '}') {
      return (
        at === line.length - 1 &&
        MEMBERS.every(({ isRequired }, index) => !isRequired || seen.has(index))
      );
    }
    if (line[at] !== ',') return false;
  }
  return false;
}

/** @param value of the right length */
function isTime(value: string): boolean {
  for (let at = 0; at < value.length; at++) {
    const byte = value.charCodeAt(at);
    if (byte < (TIME_LEAST[at] ?? 0) || byte > (TIME_MOST[at] ?? 0)) return false;
  }
  const two = (at: number) => Number(value.slice(at, at + 2));
  const [month, day] = [two(MONTH), two(DAY)];
  const days = month === FEBRUARY ? 28 : 30 + ((LONG_MONTHS >> month) & 1);
  return month >= 1 && month <= 12 && day >= 1 && day <= days && two(HOUR) < HOURS;
}
