/** Reads a fail2ban filter: each line of `failregex` becomes a rule. */
import type { Rule } from '@opmas/protocol';
import { admit, type Imported, slug } from './result.ts';

/** Bounds of a filter. */
const MOST_LINES = 500;
const MOST_STEPS = 20;
const MOST_CHARS = 16_384;

/** What fail2ban writes for an address or a name; the prefix of a syslog line is not part of a message. */
const TAGS: Readonly<Record<string, string>> = {
  '<HOST>': '(?<ip>[0-9A-Za-z_.:-]+)',
  '<ADDR>': '(?<ip>[0-9A-Fa-f.:]+)',
  '<IP4>': '(?<ip>[0-9.]+)',
  '<IP6>': '(?<ip>[0-9A-Fa-f:]+)',
  '<DNS>': '(?<host>[0-9A-Za-z_.-]+)',
};
const PREFIX = new Set(['__prefix_line', '__prefix', '__hostname', '__daemon_combs_re']);
/** Lines that are told apart by these are no failures by themselves, or belong to others. */
const NO_FAILURE = /<F-(?:NOFAIL|MLF[A-Z]*|CONTENT)\b/;

/**
 * @param text of `filter.d/NAME.conf`
 * @param name of the filter, for the ids of the rules
 * @returns rules of kind regex with the groups `ip` and those of `<F-…>` tags; what is refused and why:
 *   `ignoreregex`, multi-line filters, includes, lines that are no failure, and whatever the engine cannot match.
 *   Never throws.
 */
export function importFail2ban(text: string, name: string): Imported {
  const result: Imported = { rules: [], refused: [] };
  const keys = definitionOf(text);
  const failregex = linesOf(keys.get('failregex'));
  if (failregex.length === 0) {
    result.refused.push({ what: name, reason: 'there is no failregex in [Definition]' });
  }
  if (linesOf(keys.get('ignoreregex')).length > 0) {
    const reason = 'a rule has no exceptions: what it ignores will be found';
    result.refused.push({ what: `${name} ignoreregex`, reason });
  }
  if ((Number(keys.get('maxlines')) || 1) > 1) {
    result.refused.push({ what: name, reason: 'it matches several lines at once (maxlines)' });
    return result;
  }
  const daemon = keys.get('_daemon')?.trim();
  const program =
    daemon !== undefined && /^[\w.-]+$/.test(daemon) ? { program: daemon } : undefined;
  const before = prefixOf(keys);
  let number = 0;
  for (const line of failregex) {
    for (const read of expressionsOf(line, keys)) {
      number += 1;
      if (number > MOST_LINES) continue;
      const what = `${name} failregex ${number}`;
      const pattern = before.ok && read.ok ? patternOf(before.text, read.text) : read;
      const faulty = before.ok ? pattern : before;
      if (!faulty.ok || !pattern.ok) {
        result.refused.push({ what, reason: faulty.ok ? '' : faulty.reason });
        continue;
      }
      const rule: Rule = {
        id: `fail2ban-${slug(name)}-${number}`,
        name: `fail2ban ${name}, expression ${number}`.slice(0, 256),
        kind: 'regex',
        pattern: pattern.text,
        type: 'authentication_failure',
        severity: 'warning',
        action: 'alert',
        tags: ['fail2ban'],
        ...(program === undefined ? {} : { where: program }),
      };
      admit(result, what, rule);
    }
  }
  if (number > MOST_LINES) {
    const reason = `it has ${number} expressions; the first ${MOST_LINES} are taken over`;
    result.refused.push({ what: name, reason });
  }
  return result;
}

/** Keys of [Definition], [Init] and [DEFAULT]; a value goes on over indented lines. */
function definitionOf(text: string): Map<string, string> {
  const keys = new Map<string, string>();
  let section = '';
  let last = '';
  for (const line of text.split(/\r?\n/)) {
    if (/^\s*[#;]/.test(line)) continue;
    const head = /^\[(\w+)\]\s*$/.exec(line);
    if (head !== null) {
      section = head[1] ?? '';
      last = '';
      continue;
    }
    if (!['Definition', 'Init', 'DEFAULT'].includes(section)) continue;
    const entry = /^([\w-]+)\s*=\s?(.*)$/.exec(line);
    if (entry !== null) {
      last = entry[1] ?? '';
      keys.set(last, entry[2] ?? '');
    } else if (last !== '' && /^\s+\S/.test(line)) {
      keys.set(last, `${keys.get(last) ?? ''}\n${line.trim()}`);
    }
  }
  return keys;
}

function linesOf(value: string | undefined): string[] {
  return (value ?? '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

type Pattern = { ok: true; text: string } | { ok: false; reason: string };

/** `%(name)s`, and `<name>` but where it names a group. */
const DEFINED = /%\(([\w-]+)\)s|(?<!\(\?P?)<([\w-]+)>/g;

/** A line with what its definitions stand for, and theirs. */
function expanded(line: string, keys: ReadonlyMap<string, string>): Pattern {
  let text = line;
  for (let step = 0; step <= MOST_STEPS; step += 1) {
    let unknown: string | undefined;
    let replaced = 0;
    let room = MOST_CHARS;
    text = text.replaceAll(DEFINED, (whole, named?: string, tag?: string) => {
      const value = named !== undefined && PREFIX.has(named) ? '' : keys.get(named ?? tag ?? '');
      if (value === undefined) {
        unknown ??= named;
        return whole;
      }
      replaced += 1;
      room -= value.length;
      return room < 0 ? '' : value;
    });
    if (unknown !== undefined) {
      return refuse(`it uses ${unknown}, which is defined in another file`);
    }
    if (replaced === 0) return { ok: true, text };
    if (room < 0 || text.length > MOST_CHARS) break;
  }
  return refuse('its definitions never end');
}

/** A line of failregex; a definition may stand for several, or for none. */
function expressionsOf(line: string, keys: ReadonlyMap<string, string>): Pattern[] {
  const whole = expanded(line, keys);
  return whole.ok ? linesOf(whole.text).map((text) => ({ ok: true, text })) : [whole];
}

/** What prefregex wants in front of the part that the expressions are on. */
function prefixOf(keys: ReadonlyMap<string, string>): Pattern {
  const whole = expanded(keys.get('prefregex')?.trim() ?? '', keys);
  if (!whole.ok || whole.text === '') return whole;
  const text = whole.text.replaceAll(/<\/?F-MLFID>/g, '');
  const [, before] = /^\^(.*)<F-CONTENT>\.\+<\/F-CONTENT>\$?$/s.exec(text) ?? [];
  return before === undefined
    ? refuse('prefregex is not ^…<F-CONTENT>.+</F-CONTENT>$')
    : { ok: true, text: before };
}

function patternOf(before: string, line: string): Pattern {
  if (before !== '' && !line.startsWith('^')) {
    return refuse('with a prefregex, only an expression that begins with ^ is taken over');
  }
  let text = before === '' ? line : `^${before}${line.slice(1)}`;
  if (NO_FAILURE.test(text)) return refuse('what it finds is no failure, or only with other lines');
  text = pythonsOwn(text.replaceAll('%%', '%'));
  for (const [tag, expression] of Object.entries(TAGS)) text = text.replaceAll(tag, expression);
  text = text.replaceAll(/<F-([A-Z_]+)>(.*?)<\/F-\1>/g, (_, name: string, inner: string) => {
    return `(?<${name.toLowerCase()}>${inner})`;
  });
  const tag = /<\/?F-[A-Z_]+\/?>|<SKIPLINES>|<[A-Z][A-Z0-9-]+>|%\([^)]*\)s/.exec(text);
  if (tag !== null) return refuse(`${tag[0]} is not known here`);
  text = text.replaceAll('(?P<', '(?<');
  if (text.includes('(?P=')) return refuse('it refers back to a group');
  const names = [...text.matchAll(/\(\?<([a-z_]\w*)>/gi)].map(([, name]) => name);
  if (new Set(names).size < names.length) return refuse('a group stands in it twice');
  return { ok: true, text };
}

/** What means something else, or nothing, in our expressions: the ends of a text, and `{,n}`. */
function pythonsOwn(text: string): string {
  const ends: Readonly<Record<string, string>> = { '\\A': '^', '\\Z': '$' };
  return text.replaceAll(/\\.|\{,\d+\}/gs, (part) =>
    part.startsWith('{') ? `{0${part.slice(1)}` : (ends[part] ?? part),
  );
}

function refuse(reason: string): Pattern {
  return { ok: false, reason };
}
