/** Reads RFC 5424 after its PRI: header, structured data, message. */
import { ingestLimits } from './limits.ts';
import type { StructuredData, SyslogLine } from './syslog-line.ts';
import { setPid, setProgram } from './syslog-tag.ts';
import { type Cursor, isoTime } from './syslog-time.ts';

const SPACE = 32;
const QUOTE = 34;
const EQUALS = 61;
const OPEN = 91;
const BACKSLASH = 92;
const CLOSE = 93;

/**
 * Takes `VERSION TIMESTAMP HOST APP PROCID MSGID SD [MSG]` at `at` into `line`. Returns false,
 * changing nothing, when the text is no RFC 5424. Broken structured data stays in the message.
 */
export function take5424(text: string, at: number, line: SyslogLine): boolean {
  let i = at;
  while (i < at + 3 && text.charCodeAt(i) >= 48 && text.charCodeAt(i) <= 57) i++;
  if (i === at || text.charCodeAt(i) !== SPACE) return false;
  i++;
  const cursor: Cursor = { end: i + 1 };
  let time: number | undefined;
  if (text.charCodeAt(i) !== 45) {
    time = isoTime(text, i, cursor);
    if (Number.isNaN(time)) return false;
  }
  i = cursor.end;
  const words: string[] = [];
  for (let n = 0; n < 4; n++) {
    if (text.charCodeAt(i) !== SPACE) return false;
    const space = text.indexOf(' ', i + 1);
    const end = space < 0 ? text.length : space;
    if (end === i + 1) return false;
    words.push(text.slice(i + 1, end));
    i = end;
  }
  const [host = '-', program = '-', procId = '-', msgId = '-'] = words;
  line.format = 'rfc5424';
  line.time = time;
  if (host !== '-') line.host = host;
  if (program !== '-') setProgram(program, line);
  if (procId !== '-') setPid(procId, line);
  if (msgId !== '-') line.msgId = msgId;
  takeData(text, i + 1, line);
  return true;
}

function takeData(text: string, at: number, line: SyslogLine): void {
  let i = at;
  const next = text.charCodeAt(at + 1);
  if (text.charCodeAt(at) === 45 && (next === SPACE || at + 1 >= text.length)) i = at + 1;
  else if (text.charCodeAt(at) === OPEN) {
    const cursor: Cursor = { end: at };
    const data = structuredData(text, at, cursor);
    if (data !== undefined) {
      line.structured = data;
      i = cursor.end;
    }
  }
  if (i > at && text.charCodeAt(i) === SPACE) i++;
  line.message = withoutMark(text.slice(i));
}

/** The byte order mark that RFC 5424 puts before UTF-8, also when the line was read as Latin-1. */
function withoutMark(message: string): string {
  if (message.charCodeAt(0) === 0xfeff) return message.slice(1);
  return message.startsWith('\u00ef\u00bb\u00bf') ? message.slice(3) : message;
}

/** One or more `[id name="value" …]` at `at`; undefined when broken or over the bound. */
function structuredData(text: string, at: number, cursor: Cursor): StructuredData | undefined {
  const data = withoutPrototype<StructuredData[string]>();
  let left: number = ingestLimits.structuredParams;
  let i = at;
  while (text.charCodeAt(i) === OPEN) {
    const idEnd = nameEnd(text, i + 1);
    if (idEnd === i + 1) return undefined;
    const id = text.slice(i + 1, idEnd);
    const element = (data[id] ??= withoutPrototype<string | string[]>());
    i = idEnd;
    while (text.charCodeAt(i) === SPACE) {
      if (left-- === 0) return undefined;
      const start = i + 1;
      const end = nameEnd(text, start);
      if (end === start || text.charCodeAt(end) !== EQUALS || text.charCodeAt(end + 1) !== QUOTE)
        return undefined;
      const value = quoted(text, end + 2, cursor);
      if (value === undefined) return undefined;
      put(element, text.slice(start, end), value);
      i = cursor.end;
    }
    if (text.charCodeAt(i) !== CLOSE) return undefined;
    i++;
  }
  if (i < text.length && text.charCodeAt(i) !== SPACE) return undefined;
  cursor.end = i;
  return data;
}

/** Keys come from the sender: `__proto__` must be a key like any other. */
function withoutPrototype<T>(): Record<string, T> {
  return Object.create(null) as Record<string, T>;
}

/** A name repeated in one element makes a list: RFC 5424 allows it, and no value is lost. */
function put(element: StructuredData[string], name: string, value: string): void {
  const before = element[name];
  if (before === undefined) element[name] = value;
  else if (Array.isArray(before)) before.push(value);
  else element[name] = [before, value];
}

function nameEnd(text: string, at: number): number {
  for (let i = at; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code <= SPACE || code === EQUALS || code === CLOSE || code === QUOTE) return i;
  }
  return text.length;
}

/** The value up to its closing quote, escapes undone; a backslash before anything else is itself. */
function quoted(text: string, at: number, cursor: Cursor): string | undefined {
  let value = '';
  let from = at;
  for (let i = at; i < text.length; i++) {
    const code = text.charCodeAt(i);
    if (code === QUOTE) {
      cursor.end = i + 1;
      return value + text.slice(from, i);
    }
    if (code === CLOSE) return undefined;
    if (code === BACKSLASH) {
      const next = text.charCodeAt(i + 1);
      if (next === QUOTE || next === BACKSLASH || next === CLOSE) {
        value += text.slice(from, i);
        from = i + 1;
        i++;
      }
    }
  }
  return undefined;
}
