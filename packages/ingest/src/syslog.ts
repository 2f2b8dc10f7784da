/** Reads one syslog line, whoever wrote it: RFC 3164 and its kin, RFC 5424, and OpenWRT's logread. */
import { isUtf8 } from 'node:buffer';
import { take5424 } from './syslog-5424.ts';
import type { SyslogLine } from './syslog-line.ts';
import { FACILITIES, SYSLOG_SEVERITIES, selectorNames } from './syslog-names.ts';
import { takeAnyTag, takePlainTag, takeTag } from './syslog-tag.ts';
import { bsdTime, type Cursor, isoTime } from './syslog-time.ts';

const SPACE = 32;

/**
 * Reads `text` (one line, without its end). Never throws; takes time linear in the length. What cannot
 * be read stays in `message`, so that nothing the sender wrote is lost.
 * @param now milliseconds, UTC: settles the year of timestamps that have none. Times without a zone
 *   are taken in this process's zone (`TZ`), as other syslog servers do.
 */
export function parseSyslog(text: string, now: number): SyslogLine {
  const line: SyslogLine = {
    format: 'raw',
    facility: undefined,
    severity: undefined,
    time: undefined,
    host: undefined,
    program: undefined,
    programPath: undefined,
    pid: undefined,
    procId: undefined,
    msgId: undefined,
    structured: undefined,
    message: text,
  };
  const start = text.charCodeAt(0) === 0xfeff ? 1 : 0;
  const at = takePriority(text, start, line);
  const code = text.charCodeAt(at);
  if (code >= 49 && code <= 57 && take5424(text, at, line)) return line;
  if (takeLegacy(text, at, now, line)) return line;
  if (at > start) {
    line.format = 'rfc3164';
    const message = takeTag(text, at, line);
    line.message = text.slice(message < 0 ? at : message);
    return line;
  }
  // With neither priority nor time only `program[pid]: ` is a sure sign.
  const message = takeTag(text, at, line);
  if (line.pid !== undefined) {
    line.format = 'rfc3164';
    line.message = text.slice(message);
  } else {
    line.program = undefined;
    line.programPath = undefined;
    line.procId = undefined;
  }
  return line;
}

/** `<0>` to `<191>`; returns where it ends, or `at`. */
function takePriority(text: string, at: number, line: SyslogLine): number {
  if (text.charCodeAt(at) !== 60) return at;
  let value = 0;
  let i = at + 1;
  for (; i < at + 4; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (!(digit >= 0 && digit <= 9)) break;
    value = value * 10 + digit;
  }
  if (i === at + 1 || text.charCodeAt(i) !== 62 || value > 191) return at;
  line.facility = FACILITIES[value >> 3];
  line.severity = SYSLOG_SEVERITIES[value & 7];
  return i + 1;
}

/** Everything that begins with a time of its own; false, changing nothing, when there is none. */
function takeLegacy(text: string, from: number, now: number, line: SyslogLine): boolean {
  const cursor: Cursor = { end: from };
  const at = skipCounter(text, from);
  const code = text.charCodeAt(at);
  let time = Number.NaN;
  let weekday = false;
  if (code >= 48 && code <= 57) time = isoTime(text, at, cursor);
  else if (code >= 65) {
    time = bsdTime(text, at, now, false, cursor);
    if (Number.isNaN(time) && /^(?:mon|tue|wed|thu|fri|sat|sun) /i.test(text.slice(at, at + 4))) {
      time = bsdTime(text, at + 4, now, true, cursor);
      weekday = true;
    }
  }
  if (Number.isNaN(time)) return false;
  let i = cursor.end;
  if (text.charCodeAt(i) === 58) i++;
  if (i < text.length && text.charCodeAt(i) !== SPACE) return false;
  line.format = 'rfc3164';
  line.time = time;
  i = skipEpoch(text, skipSpaces(text, i));
  const selector = weekday ? takeSelector(text, i, line) : -1;
  if (selector >= 0) {
    line.format = 'logread';
    const message = takeTag(text, selector, line);
    line.message = text.slice(message < 0 ? selector : message);
  } else takeHostAndTag(text, i, line);
  return true;
}

function skipSpaces(text: string, at: number): number {
  let i = at;
  while (text.charCodeAt(i) === SPACE) i++;
  return i;
}

/** Switches put a sequence number (`123: `) and a mark for an unset clock (`*`) before the time. */
function skipCounter(text: string, from: number): number {
  let i = skipSpaces(text, from);
  const begin = i;
  while (i < begin + 10 && text.charCodeAt(i) >= 48 && text.charCodeAt(i) <= 57) i++;
  if (i === begin || text.charCodeAt(i) !== 58 || text.charCodeAt(i + 1) !== SPACE) i = begin;
  else i = skipSpaces(text, i + 1);
  const mark = text.charCodeAt(i);
  return mark === 42 || mark === 46 ? i + 1 : i;
}

/** `logread -t` and OpenWRT's remote logging repeat the time as `[1649682889.123] `. */
function skipEpoch(text: string, at: number): number {
  if (text.charCodeAt(at) !== 91) return at;
  const found = /^\[\d{1,12}\.\d{3}\] /.exec(text.slice(at, at + 20));
  return found === null ? at : at + found[0].length;
}

function takeSelector(text: string, at: number, line: SyslogLine): number {
  const space = text.indexOf(' ', at);
  const end = space < 0 ? text.length : space;
  if (end - at > 20) return -1;
  const names = selectorNames(text.slice(at, end));
  if (names === undefined) return -1;
  line.facility = names.facility;
  line.severity = names.severity;
  return Math.min(end + 1, text.length);
}

/** `[host ]tag: message`: a first word that is a tag means that the sender left its name out. */
function takeHostAndTag(text: string, at: number, line: SyslogLine): void {
  const space = text.indexOf(' ', at);
  let message = takePlainTag(text, at, line);
  if (message < 0 && space > at) {
    message = takePlainTag(text, space + 1, line);
    if (message >= 0) line.host = text.slice(at, space);
  }
  if (message < 0) message = takeOddHostAndTag(text, at, space, line);
  line.message = text.slice(message);
}

function takeOddHostAndTag(text: string, at: number, space: number, line: SyslogLine): number {
  const message = takeAnyTag(text, at, line);
  if (message >= 0) return message;
  if (space <= at || text.startsWith('last message repeated ', at)) return at;
  line.host = text.slice(at, space);
  const behind = takeAnyTag(text, space + 1, line);
  return behind < 0 ? space + 1 : behind;
}

/**
 * Bytes of one line as text: UTF-8, or Latin-1 when they are none, so that no byte is lost. Line ends
 * and trailing zeros go; a zero inside becomes U+FFFD, because no database text can hold it.
 */
export function decodeLine(bytes: Buffer): string {
  let end = bytes.length;
  while (end > 0 && isLineEnd(bytes[end - 1])) end--;
  const line = end === bytes.length ? bytes : bytes.subarray(0, end);
  const text = isUtf8(line) ? line.toString('utf8') : line.toString('latin1');
  return text.includes('\0') ? text.replaceAll('\0', '\ufffd') : text;
}

function isLineEnd(byte: number | undefined): boolean {
  return byte === 10 || byte === 13 || byte === 0;
}
