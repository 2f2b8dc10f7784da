/** Reads the timestamps that syslog senders write: BSD (no year, no zone), ctime, and ISO 8601. */

/** Where reading stopped; handed in so that the hot path allocates nothing per field. */
export interface Cursor {
  end: number;
}

/** The three letters of each month in one number, as `monthAt` packs them. */
const MONTHS = 'jan feb mar apr may jun jul aug sep oct nov dec'
  .split(' ')
  .map((name) => Number.parseInt(Buffer.from(name, 'latin1').toString('hex'), 16));
const HOUR = 3_600_000;
const HALF_YEAR = 182 * 24 * HOUR;

/** Two or so digits at `at`; -1 when they are none. */
function digits(line: string, at: number, count: number): number {
  let value = 0;
  for (let i = at; i < at + count; i++) {
    const digit = line.charCodeAt(i) - 48;
    if (!(digit >= 0 && digit <= 9)) return -1;
    value = value * 10 + digit;
  }
  return value;
}

function twoDigits(line: string, at: number): number {
  const tens = line.charCodeAt(at) - 48;
  const ones = line.charCodeAt(at + 1) - 48;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : -1;
}

/** `Jan` to `Dec` in any case as 0 to 11; -1 for anything else. */
function monthAt(line: string, at: number): number {
  const code =
    ((line.charCodeAt(at) | 32) << 16) |
    ((line.charCodeAt(at + 1) | 32) << 8) |
    (line.charCodeAt(at + 2) | 32);
  for (let month = 0; month < MONTHS.length; month++) if (MONTHS[month] === code) return month;
  return -1;
}

/** `hh:mm:ss[.fraction]` as milliseconds of the day; -1 when it is none. Leap seconds are accepted. */
function clockTime(line: string, at: number, cursor: Cursor): number {
  if (line.charCodeAt(at + 2) !== 58 || line.charCodeAt(at + 5) !== 58) return -1;
  const hour = twoDigits(line, at);
  const minute = twoDigits(line, at + 3);
  const second = twoDigits(line, at + 6);
  if (hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60) return -1;
  let end = at + 8;
  let ms = 0;
  if (line.charCodeAt(end) === 46 || line.charCodeAt(end) === 44) {
    let scale = 100;
    let i = end + 1;
    for (; i < end + 10; i++) {
      const digit = line.charCodeAt(i) - 48;
      if (!(digit >= 0 && digit <= 9)) break;
      ms += digit * scale;
      scale /= 10;
    }
    if (i > end + 1) end = i;
  }
  cursor.end = end;
  return hour * HOUR + minute * 60_000 + second * 1000 + Math.floor(ms);
}

// Logs come in order: nearly every line falls into the hour of the one before.
let hourKey = -1;
let hourStart = 0;
let yearKey = -1;
let yearThen = 0;

/** A wall-clock time of this process's zone as UTC milliseconds. */
function localTime(year: number, month: number, day: number, msOfDay: number): number {
  const hour = Math.floor(msOfDay / HOUR);
  const key = ((year * 12 + month) * 32 + day) * 24 + hour;
  if (key !== hourKey) {
    hourStart = new Date(year, month, day, hour).getTime();
    hourKey = key;
  }
  return hourStart + (msOfDay - hour * HOUR);
}

function yearOf(now: number): number {
  const key = Math.floor(now / HOUR);
  if (key !== yearKey) {
    yearThen = new Date(now).getFullYear();
    yearKey = key;
  }
  return yearThen;
}

/** A time without a year belongs to the year that brings it nearest to now. */
function nearestYear(month: number, day: number, msOfDay: number, now: number): number {
  const year = yearOf(now);
  const time = localTime(year, month, day, msOfDay);
  if (time > now + HALF_YEAR) return localTime(year - 1, month, day, msOfDay);
  if (time < now - HALF_YEAR) return localTime(year + 1, month, day, msOfDay);
  return time;
}

/**
 * `Mmm dd [yyyy] hh:mm:ss[.fraction] [yyyy]` in this process's zone, as UTC milliseconds; NaN when
 * `line` has none at `at`. The trailing year is taken only with `ctime`. `now` settles a missing year.
 */
export function bsdTime(
  line: string,
  at: number,
  now: number,
  ctime: boolean,
  cursor: Cursor,
): number {
  if (line.charCodeAt(at + 3) !== 32) return Number.NaN;
  const month = monthAt(line, at);
  if (month < 0) return Number.NaN;
  let i = at + 4;
  if (line.charCodeAt(i) === 32) i++;
  let day = twoDigits(line, i);
  if (day >= 0) i += 2;
  else {
    day = digits(line, i, 1);
    i += 1;
  }
  if (day < 1 || day > 31 || line.charCodeAt(i) !== 32) return Number.NaN;
  i++;
  let year = digits(line, i, 4);
  if (year >= 1970 && line.charCodeAt(i + 4) === 32) i += 5;
  else year = -1;
  const msOfDay = clockTime(line, i, cursor);
  if (msOfDay < 0) return Number.NaN;
  if (ctime && year < 0 && line.charCodeAt(cursor.end) === 32) {
    const after = digits(line, cursor.end + 1, 4);
    const next = line.charCodeAt(cursor.end + 5);
    if (after >= 1970 && (next === 32 || Number.isNaN(next))) {
      year = after;
      cursor.end += 5;
    }
  }
  return year < 0 ? nearestYear(month, day, msOfDay, now) : localTime(year, month, day, msOfDay);
}

/**
 * `yyyy-mm-dd[T ]hh:mm:ss[.fraction][Z|±hh[:]mm]` as UTC milliseconds; NaN when `line` has none at
 * `at`. Without a zone it is this process's.
 */
export function isoTime(line: string, at: number, cursor: Cursor): number {
  if (line.charCodeAt(at + 4) !== 45 || line.charCodeAt(at + 7) !== 45) return Number.NaN;
  const year = digits(line, at, 4);
  const month = twoDigits(line, at + 5);
  const day = twoDigits(line, at + 8);
  const between = line.charCodeAt(at + 10) | 32;
  if (year < 1970 || month < 1 || month > 12 || day < 1 || day > 31) return Number.NaN;
  if (between !== 116 && between !== 32) return Number.NaN;
  const msOfDay = clockTime(line, at + 11, cursor);
  if (msOfDay < 0) return Number.NaN;
  const zone = line.charCodeAt(cursor.end);
  if (zone === 90 || zone === 122) {
    cursor.end++;
    return Date.UTC(year, month - 1, day) + msOfDay;
  }
  if (zone !== 43 && zone !== 45) return localTime(year, month - 1, day, msOfDay);
  const hours = twoDigits(line, cursor.end + 1);
  const colon = line.charCodeAt(cursor.end + 3) === 58 ? 1 : 0;
  const minutes = twoDigits(line, cursor.end + 3 + colon);
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return Number.NaN;
  cursor.end += 5 + colon;
  const offset = (hours * 60 + minutes) * 60_000;
  return Date.UTC(year, month - 1, day) + msOfDay - (zone === 45 ? -offset : offset);
}
