/** Reads the `program[pid]: ` in front of a BSD syslog message. */
import { ingestLimits } from './limits.ts';
import type { SyslogLine } from './syslog-line.ts';

const SPACE = 32;
const COLON = 58;
const OPEN = 91;
const CLOSE = 93;

/**
 * Takes a tag at `at` into `line` (program, pid, and its path when it is one) and returns where the
 * message begins; returns -1, changing nothing, when there is none. A tag ends within
 * `limits.tagChars` and has no white space.
 */
export function takeTag(text: string, at: number, line: SyslogLine): number {
  const quick = takePlainTag(text, at, line);
  return quick < 0 ? takeAnyTag(text, at, line) : quick;
}

/** The usual `name: ` and `name[123]: `, told by the ends of the first word alone. */
export function takePlainTag(text: string, at: number, line: SyslogLine): number {
  const end = text.indexOf(' ', at);
  if (end < at + 2 || end > at + ingestLimits.tagChars || text.charCodeAt(end - 1) !== COLON)
    return -1;
  let nameEnd = end - 1;
  let pid = -1;
  if (text.charCodeAt(end - 2) === CLOSE) {
    pid = 0;
    let scale = 1;
    let i = end - 3;
    for (; i > end - 12; i--) {
      const digit = text.charCodeAt(i) - 48;
      if (!(digit >= 0 && digit <= 9)) break;
      pid += digit * scale;
      scale *= 10;
    }
    if (scale === 1 || text.charCodeAt(i) !== OPEN) return -1;
    nameEnd = i;
  }
  if (nameEnd === at) return -1;
  for (let i = at; i < nameEnd; i++) {
    const code = text.charCodeAt(i);
    if (code < SPACE || code === OPEN) return -1;
  }
  setProgram(text.slice(at, nameEnd), line);
  if (pid >= 0) line.pid = pid;
  return end + 1;
}

/** Every other form, letter by letter. */
export function takeAnyTag(text: string, at: number, line: SyslogLine): number {
  const stop = Math.min(text.length, at + ingestLimits.tagChars);
  for (let i = at; i < stop; i++) {
    const code = text.charCodeAt(i);
    if (code <= SPACE) return -1;
    if (code === COLON) {
      const next = text.charCodeAt(i + 1);
      if (i === at || next > SPACE) continue;
      setProgram(text.slice(at, i), line);
      return skipSpace(text, i + 1);
    }
    if (code === OPEN && i > at) return takePid(text, at, i, stop, line);
  }
  return -1;
}

function takePid(text: string, at: number, open: number, stop: number, line: SyslogLine): number {
  let close = open + 1;
  while (close < stop && text.charCodeAt(close) !== CLOSE) {
    if (text.charCodeAt(close) <= SPACE) return -1;
    close++;
  }
  if (close >= stop) return -1;
  const next = text.charCodeAt(close + 1);
  if (next === COLON) {
    setProgram(text.slice(at, open), line);
    setPid(text.slice(open + 1, close), line);
    return skipSpace(text, close + 2);
  }
  // Without the colon only a number is surely a pid.
  const id = text.slice(open + 1, close);
  if (next > SPACE || !/^\d{1,9}$/.test(id)) return -1;
  setProgram(text.slice(at, open), line);
  setPid(id, line);
  return skipSpace(text, close + 1);
}

function skipSpace(text: string, at: number): number {
  return text.charCodeAt(at) === SPACE ? at + 1 : Math.min(at, text.length);
}

/** An absolute path is kept beside the bare name that rules and routing go by. */
export function setProgram(name: string, line: SyslogLine): void {
  if (name.charCodeAt(0) === 47) {
    const base = name.slice(name.lastIndexOf('/') + 1);
    if (base !== '') {
      line.program = base;
      line.programPath = name;
      return;
    }
  }
  line.program = name;
}

/** A process id that is no number is kept as text. */
export function setPid(id: string, line: SyslogLine): void {
  let value = 0;
  for (let i = 0; i < id.length; i++) {
    const digit = id.charCodeAt(i) - 48;
    if (!(digit >= 0 && digit <= 9) || i === 10) {
      line.procId = id;
      return;
    }
    value = value * 10 + digit;
  }
  if (id !== '') line.pid = value;
}
