/** Regular expressions of rules: admitted only when linear, and matched in bounded time. */
import { setFlagsFromString } from 'node:v8';
import { type AST, RegExpParser, visitRegExpAST } from '@eslint-community/regexpp';
import { foldCase } from './case-fold.ts';
import { type LiteralSet, regexChoices } from './choose/literals.ts';
import { quote } from './fault.ts';
import { Effort, Fuse, type Now } from './fuse.ts';
import { limits } from './limits.ts';
import { widthOf } from './regex-width.ts';

// `l` constructs V8's non-backtracking matcher, and throws for what it cannot run; the second flag lets
// ordinary expressions fall back to it. Set before the first rule is compiled, for the whole process.
setFlagsFromString('--enable-experimental-regexp-engine');
setFlagsFromString('--enable-experimental-regexp-engine-on-excessive-backtracks');

export interface Regex {
  /** Sets of text, of each of which one is in every match; none when there is no such text. */
  choices: readonly LiteralSet[];
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
 * @param fuse is told how long the linear one took
 * @returns the expression, or why it is refused. Never throws.
 */
export function compileRegex(
  pattern: string,
  now: Now,
  fuse = new Fuse('', new Effort()),
): RegexResult {
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
    // As it is matched: places that differ in case alone are alive together where case is ignored.
    const matched = ignoreCase ? parse(body) : ast;
    if (typeof matched === 'string') return refuse(`cannot be matched without case: ${matched}`);
    if (widthOf(matched, flags).tooWide) {
      return refuse(
        `can be at more than ${limits.regexWidth} places of itself at once, which would take too long on a long message: use fewer or smaller repeats as .{0,50}, and fewer alternatives`,
      );
    }
    const backtracking = new RegExp(body, flags);
    return {
      ok: true,
      regex: guarded({ backtracking, linear }, regexChoices(ast, ignoreCase), now, fuse),
    };
  } catch (error) {
    return refuse(
      `cannot be matched in linear time (${reason(error)}): avoid large or nested counted repeats as (a+){2,50}`,
    );
  }
}

/** The fast matcher while it is fast; the linear one for long texts and for a rule that was slow. */
function guarded(
  { backtracking, linear }: { backtracking: RegExp; linear: RegExp },
  choices: readonly LiteralSet[],
  now: Now,
  fuse: Fuse,
): Regex {
  let strikes = 0;
  let calls = 0;
  return {
    choices,
    exec(text) {
      if (text.length > limits.backtrackingChars || strikes >= limits.strikes) {
        const begun = fuse.begin();
        const match = linear.exec(text);
        fuse.end(begun);
        return match;
      }
      calls += 1;
      if (calls % limits.strikeCalls === 0) strikes = 0;
      const start = now();
      const match = backtracking.exec(text);
      const end = now();
      fuse.took(end - start);
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
