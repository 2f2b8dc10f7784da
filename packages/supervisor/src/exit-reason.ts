/** Turns the end of a process into words an operator can act on. */
import { EXIT_CONFIG } from '@opmas/protocol';

/** Both null: the process was adopted, so its exit code went to someone else. */
export interface Exit {
  code: number | null;
  signal: string | null;
}

export const EXIT_KINDS = [
  'clean',
  'config',
  'heap_oom',
  'killed',
  'crashed',
  'signalled',
  'unknown',
] as const;
export type ExitKind = (typeof EXIT_KINDS)[number];

export interface ExitReason {
  kind: ExitKind;
  /** One sentence, without the log. */
  text: string;
}

const CODES: Readonly<Record<number, ExitReason>> = {
  0: { kind: 'clean', text: 'ended by itself (exit code 0)' },
  13: { kind: 'crashed', text: 'its top-level await never finished (exit code 13)' },
  [EXIT_CONFIG]: { kind: 'config', text: 'refused its configuration (exit code 78)' },
  126: { kind: 'crashed', text: 'could not be executed (exit code 126)' },
  127: { kind: 'crashed', text: 'program not found (exit code 127)' },
};

const SIGNALS: Readonly<Record<string, ExitReason>> = {
  SIGKILL: {
    kind: 'killed',
    text: 'killed (SIGKILL), by hand or by the kernel for want of memory',
  },
  SIGABRT: { kind: 'signalled', text: 'aborted (SIGABRT)' },
  SIGSEGV: { kind: 'signalled', text: 'crashed in native code (SIGSEGV)' },
  SIGTERM: { kind: 'killed', text: 'ended by SIGTERM, not sent by the host' },
};

/** 128 + n, as a shell reports a signal; the ones that matter here. */
const SHELL_SIGNALS: Readonly<Record<number, string>> = {
  133: 'SIGTRAP',
  134: 'SIGABRT',
  137: 'SIGKILL',
  139: 'SIGSEGV',
  143: 'SIGTERM',
  152: 'SIGXCPU',
};

/** Why a process ended; `tail` is the end of its log, which tells an abort for memory from another. */
export function exitReason(exit: Exit, tail: readonly string[] = []): ExitReason {
  const { code } = exit;
  const signal = exit.signal ?? (code === null ? undefined : SHELL_SIGNALS[code]);
  if (signal !== undefined && signal !== null) {
    if (signal === 'SIGABRT' && tail.some((line) => line.includes('heap out of memory'))) {
      return { kind: 'heap_oom', text: 'ran out of heap memory (SIGABRT): raise its memory limit' };
    }
    return SIGNALS[signal] ?? { kind: 'signalled', text: `ended by ${signal}` };
  }
  if (code === null) {
    return { kind: 'unknown', text: 'ended (exit code unknown: it had outlived an earlier host)' };
  }
  return CODES[code] ?? { kind: 'crashed', text: `crashed (exit code ${code})` };
}

/** The line of a log's end that most likely says why: the last error, else the last line. */
export function telling(tail: readonly string[]): string | undefined {
  const lines = tail
    .map((line) => plain(line.slice(0, 2_000)))
    .filter((line) => line !== '' && !NOISE.test(line));
  return lines.findLast((line) => ERROR.test(line)) ?? lines.at(-1);
}

const ERROR = /\b\w*(?:Error|Exception)\b|\b(?:FATAL|fatal|panic|error)\b/;
const NOISE = /^(?:Node\.js v\d|at |\^+$|[{}\])]+;?$|-{3,})/;

function plain(line: string): string {
  return messageOf(line.trim()).replace(CONTROL, ' ').trim();
}

const CONTROL = /\p{Cc}+/gu;

/** Agents log JSON lines; their words are in `message` or `msg`. */
function messageOf(line: string): string {
  if (!line.startsWith('{')) return line;
  try {
    const data: unknown = JSON.parse(line);
    if (typeof data === 'object' && data !== null) {
      if ('message' in data && typeof data.message === 'string') return data.message;
      if ('msg' in data && typeof data.msg === 'string') return data.msg;
    }
  } catch {
    // Not JSON after all: the line stands for itself.
  }
  return line;
}
