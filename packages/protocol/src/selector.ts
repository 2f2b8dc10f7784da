/** Label selectors: which agents a group, or a job, is about. */

export const selectorLimits = { characters: 1_024, terms: 16, values: 64 } as const;

/** What a selector looks at. */
export interface Labelled {
  id: string;
  name: string;
  type: string;
  tags: readonly string[];
}

export interface SelectorTerm {
  key: string;
  /** One of these; `!=` has one value and `negated`. */
  values: readonly string[];
  negated: boolean;
}

/** Every term must hold. */
export type Selector = readonly SelectorTerm[];

export type SelectorReading =
  | { ok: true; selector: Selector }
  /** `at`: the character, counted from 0, where it cannot be read; `message` goes on after "The selector". */
  | { ok: false; at: number; message: string };

const TOKEN = /\s*(?:(!=|[=,()])|"((?:[^"\\]|\\["\\])*)"|([^\s=!,()"]+))/y;

type Token = { kind: 'sign' | 'text'; text: string; at: number };

/**
 * Reads `type=wifi, site=berlin, tag!=old, name in (a, "b c")`. The keys `id`, `name`, `type` and `tag`
 * look at the agent; any other key `k` at its tag `k=value`. Never throws.
 */
export function readSelector(text: string): SelectorReading {
  try {
    return { ok: true, selector: read(text) };
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    return { ok: false, at: error.at, message: error.message };
  }
}

class Unreadable extends Error {
  readonly at: number;

  constructor(at: number, message: string) {
    super(message);
    this.at = at;
  }
}

function read(text: string): Selector {
  if (text.length > selectorLimits.characters) {
    throw new Unreadable(0, `has more than ${selectorLimits.characters} characters`);
  }
  const tokens = tokensOf(text);
  let next = 0;
  const fail = (message: string): never => {
    throw new Unreadable(tokens[next]?.at ?? text.length, message);
  };
  const sign = (wanted: string): boolean => {
    const token = tokens[next];
    if (token?.kind !== 'sign' || token.text !== wanted) return false;
    next += 1;
    return true;
  };
  const word = (what: string): string => {
    const token = tokens[next];
    if (token?.kind !== 'text') return fail(`${what} is missing`);
    next += 1;
    return token.text;
  };
  const list = (): string[] => {
    if (!sign('(')) fail('`(` is missing after `in`');
    const values = [word('a value')];
    while (sign(',')) values.push(word('a value'));
    if (!sign(')')) fail('`)` is missing');
    if (values.length > selectorLimits.values) fail(`more than ${selectorLimits.values} values`);
    return values;
  };
  const term = (): SelectorTerm => {
    const key = word('a key');
    if (sign('=')) return { key, values: [word('a value')], negated: false };
    if (sign('!=')) return { key, values: [word('a value')], negated: true };
    const token = tokens[next];
    if (token?.kind === 'text' && token.text === 'in') {
      next += 1;
      return { key, values: list(), negated: false };
    }
    return fail('`=`, `!=` or `in (…)` is missing');
  };
  const terms = [term()];
  while (sign(',')) terms.push(term());
  if (next < tokens.length) fail('a comma is missing');
  if (terms.length > selectorLimits.terms) {
    throw new Unreadable(0, `has more than ${selectorLimits.terms} terms`);
  }
  return terms;
}

export function matchesSelector(selector: Selector, agent: Labelled): boolean {
  return selector.every(({ key, values, negated }) => {
    const found = values.some((value) => has(agent, key, value));
    return found !== negated;
  });
}

function has(agent: Labelled, key: string, value: string): boolean {
  switch (key) {
    case 'id':
      return agent.id === value;
    case 'name':
      return agent.name === value;
    case 'type':
      return agent.type === value;
    case 'tag':
      return agent.tags.includes(value);
    default:
      return agent.tags.includes(`${key}=${value}`);
  }
}

function tokensOf(text: string): Token[] {
  const tokens: Token[] = [];
  const end = text.trimEnd().length;
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < end) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (match === null) throw new Unreadable(at, 'cannot be read');
    const [, signText, quoted, plain] = match;
    tokens.push(
      signText === undefined
        ? { kind: 'text', text: plain ?? (quoted ?? '').replaceAll(/\\(.)/g, '$1'), at }
        : { kind: 'sign', text: signText, at },
    );
  }
  return tokens;
}
