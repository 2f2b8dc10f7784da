/** The log of the server process: one line of JSON for each event, and nothing in it that a terminal obeys. */
import pino, { type Logger } from 'pino';

export interface LogOptions {
  level: string;
  env: string;
  /** Where lines go; absent: standard output, at once. */
  to?: { write(line: string): void };
}

export function processLog({ level, env, to = pino.destination(1) }: LogOptions): Logger {
  return pino(
    { level, base: { part: 'server', env } },
    { write: (line) => to.write(onlyText(line)) },
  );
}

/** What JSON leaves as it is, and terminals act on or hide: C1 controls, line separators, text direction. */
const OBEYED = /[\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g;

/** The same JSON, escaped: only inside strings can any of these characters be. */
function onlyText(line: string): string {
  return line.replace(
    OBEYED,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
