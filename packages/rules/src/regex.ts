/** Regular expressions of rules: admitted only when linear, and matched in bounded time. */
import { setFlagsFromString } from 'node:v8';
import { type AST, RegExpParser, visitRegExpAST } from '@eslint-community/regexpp';
import { foldCase } from './case-fold.ts';
import { quote } from './fault.ts';
import { limits } from './limits.ts';
import { requiredLiterals } from './literals.ts';

// `l` constructs V8's non-backtracking matcher, and throws for what it cannot run; the second flag lets
// ordinary expressions fall back to it. Set before the first rule is compiled, for the whole process.
setFlagsFromString('--enable-experimental-regexp-engine');
setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks');

/** A monotonic clock in milliseconds. */
export type Now = () => number;

export interface Regex {
  /** Text one of which is in every match, as the pattern spells it; undefined when there is none. */
  literals: string[] | undefined;
  ignoreCase: boolean;
  /** Leftmost match, or null. */
  exec(text: string): RegExpExecArray | null;
  /** Given up on the backtracking matcher, for being slow. */
  slow(): boolean;
}

export type RegexResult = { ok: true; regex: Regex } | { ok: false; message: string };

const parser = new RegExpParser({ ecmaVersion: 2025 });

/**
 * Compiles a rule's pattern: JavaScript's syntax without the `u` flag, with optional flags in front:
 * `(?i)` ignores case, `(?m)` lets ^ and $ match at line ends, `(?s)` lets . match line ends; `(?im)` both.
 * @param pattern at most 1,024 characters
 * @param now times the backtracking matcher
 * @returns the expression, or why it is refused. Never throws.
 */
export function compileRegex(pattern: string, now: Now): RegexResult {
  if (pattern.length > limits.regexChars) {
    return refuse(
      `is ${pattern.length} characters; a regular expression has at most ${limits.regexChars}`,
    );
  }
  const prefix = /^\(\?([a-zA-Z]+)\)/.exec(pattern);
  const given = prefix?.[1] ?? '';
  if (/[^ims]/.test(given) || new Set(given).size !== given.length) {
    return refuse(
      `starts with ${quote(`(?${given})`)}; the flags are i, m and s, each once, as (?i)`,
    );
  }
  const source = pattern.slice(prefix?.[0].length ?? 0);
  if (source === '') return refuse('has no expression');
  const ast = parse(source);
  if (typeof ast === 'string') return refuse(`is no regular expression: ${ast}`);
  const ignoreCase = given.includes('i');
  const unsupported = firstUnsupported(ast, ignoreCase);
  if (unsupported !== undefined) return refuse(unsupported);

  const flags = given.replace('i', '');
  try {
    const body = ignoreCase ? foldCase(ast) : source;
    const linear = new RegExp(body, `${flags}l`);
    if (linear.test(''))
      return refuse('matches the empty text, and so every event: make a part of it obligatory');
    const backtracking = new RegExp(body, flags);
    return {
      ok: true,
      regex: guarded(backtracking, linear, ignoreCase, requiredLiterals(ast), now),
    };
  } catch (error) {
    return refuse(
      `cannot be matched in linear time (${reason(error)}): avoid large or nested counted repeats as (a+){2,50}`,
    );
  }
}

/** The fast matcher while it is fast; the linear one for long texts and for a rule that was slow. */
function guarded(
  backtracking: RegExp,
  linear: RegExp,
  ignoreCase: boolean,
  literals: string[] | undefined,
  now: Now,
): Regex {
  let strikes = 0;
  let calls = 0;
  return {
    literals,
    ignoreCase,
    exec(text) {
      if (text.length > limits.backtrackingChars || strikes >= limits.strikes)
        return linear.exec(text);
      calls += 1;
      if (calls % limits.strikeCalls === 0) strikes = 0;
      const start = now();
      const match = backtracking.exec(text);
      const end = now();
      if (end - start > limits.slowMs) {
        // Once more: a process that had to wait for a processor also looks slow, but seldom twice.
        backtracking.exec(text);
        if (now() - end > limits.slowMs) strikes += 1;
      }
      return match;
    },
    slow: () => strikes >= limits.strikes,
  };
}

function parse(source: string): AST.Pattern | string {
  try {
    return parser.parsePattern(source, 0, source.length, { unicode: false, unicodeSets: false });
  } catch (error) {
    return reason(error);
  }
}

/** What the linear matcher cannot run, named so that the author knows what to take out. */
function firstUnsupported(pattern: AST.Pattern, ignoreCase: boolean): string | undefined {
  let found: string | undefined;
  let ranges = 0;
  visitRegExpAST(pattern, {
    onBackreferenceEnter(node) {
      found ??= `holds the back reference ${node.raw}, which cannot be matched in linear time: write the text out`;
    },
    onAssertionEnter(node) {
      if (node.kind === 'lookahead') {
        found ??= `holds the look-ahead ${quote(node.raw)}, which cannot be matched in linear time: use two rules, or a class as [^x]`;
      }
    },
    onCharacterClassRangeEnter(node) {
      if (!ignoreCase || node.max.value < 128) return;
      ranges += 1;
      if (ranges > limits.foldedRanges) {
        found ??= `holds more than ${limits.foldedRanges} ranges beyond ASCII, too many when case is ignored: use fewer, or leave (?i) out`;
      }
    },
    onModifiersEnter(node) {
      found ??= `holds flags inside (${quote(node.raw)}): put them in front of the whole, as (?i)`;
    },
  });
  return found;
}

function reason(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/^Invalid regular expression: .*: /s, '');
}

function refuse(message: string): RegexResult {
  return { ok: false, message };
}
