/** A rule that counts over time, made ready: how its events are grouped, and in which window they count. */
import { createHash } from 'node:crypto';
import {
  canonicalJson,
  type LogEvent,
  type Rule,
  type RuleStep,
  windowLimits,
} from '@opmas/protocol';
import { quote } from '../fault.ts';
import { CONDITION_FIELDS, readerOf } from '../where.ts';
import { patternGroups } from './groups.ts';
import { windowBounds } from './limits.ts';

/** A plain rule with `suppress_seconds` counts as a threshold of one. */
export type WindowKind = 'threshold' | 'distinct' | 'sequence' | 'absence' | 'silence';

/** What stands in a message where a rule matched. */
export interface Found {
  groups?: Record<string, string>;
}

export interface WindowRule {
  rule: Rule;
  /** The second step, as the matcher knows it; its matches carry this very object. */
  second: Rule | undefined;
  kind: WindowKind;
  count: number;
  withinMs: number;
  suppressMs: number;
  /** How far an event's own time may be from its arrival. */
  skewMs: number;
  /** Beyond the window: how long an expected event may be on its way. */
  lateMs: number;
  /** Names rule and window: what was counted stays valid as long as this is the same. */
  signature: string;
  /** Undefined: the event lacks one of the fields, and is not counted. */
  keyOf(found: Found, event: LogEvent): string | undefined;
  /** distinct: the value; undefined: not counted. */
  valueOf(found: Found, event: LogEvent): string | undefined;
  /** The key's parts by name. */
  group(key: string): Record<string, string>;
}

type Refuse = (path: string, message: string) => void;
type Read = (found: Found, event: LogEvent) => string | undefined;

const WINDOW_FIELDS = [
  'pattern_kind',
  'group_by',
  'count',
  'distinct_by',
  'followed_by',
  'within_seconds',
  'suppress_seconds',
] as const;
type WindowField = (typeof WINDOW_FIELDS)[number];

interface Demands {
  must: readonly WindowField[];
  may: readonly WindowField[];
}

const PLAIN: Demands = { must: [], may: ['group_by', 'suppress_seconds'] };
const DEMANDS: Readonly<Record<NonNullable<Rule['kind']>, Demands>> = {
  substring: PLAIN,
  regex: PLAIN,
  threshold: {
    must: ['count', 'within_seconds'],
    may: ['pattern_kind', 'group_by', 'suppress_seconds'],
  },
  distinct: {
    must: ['count', 'within_seconds', 'distinct_by'],
    may: ['pattern_kind', 'group_by', 'suppress_seconds'],
  },
  sequence: {
    must: ['followed_by', 'within_seconds'],
    may: ['pattern_kind', 'group_by', 'count', 'suppress_seconds'],
  },
  absence: {
    must: ['within_seconds'],
    may: ['pattern_kind', 'group_by', 'followed_by', 'suppress_seconds'],
  },
};

const WHY: Readonly<Record<WindowField, string>> = {
  pattern_kind: 'how pattern is read; with substring and regex, kind says it',
  group_by: 'what is counted by: with a plain rule it needs suppress_seconds',
  count: 'how many',
  distinct_by: 'what has to be different',
  followed_by: 'the event that follows: {"pattern": …}',
  within_seconds: 'the length of the window',
  suppress_seconds: 'how long nothing more is told',
};

/** How a rule's pattern is read. */
export function patternKindOf(rule: Rule): 'substring' | 'regex' {
  const kind = rule.kind ?? 'substring';
  if (kind === 'substring' || kind === 'regex') return kind;
  return rule.pattern_kind ?? 'substring';
}

/** Names every field that is missing, belongs to another kind or is out of bounds. */
export function checkWindowFields(rule: Rule, refuse: Refuse): void {
  const kind = rule.kind ?? 'substring';
  const { must, may } = DEMANDS[kind];
  for (const field of WINDOW_FIELDS) {
    const given = rule[field] !== undefined;
    if (!given && must.includes(field)) {
      refuse(field, `is missing: a rule of kind ${kind} says ${WHY[field]}`);
    } else if (given && !must.includes(field) && !may.includes(field)) {
      const kinds = Object.entries(DEMANDS).filter(([, d]) =>
        [...d.must, ...d.may].includes(field),
      );
      const names = kinds.map(([name]) => name).join(', ');
      refuse(field, `has no meaning with kind ${kind}: it belongs to ${names}; take it out`);
    }
  }
  if (
    DEMANDS[kind] === PLAIN &&
    rule.group_by !== undefined &&
    rule.suppress_seconds === undefined
  ) {
    refuse('group_by', 'needs suppress_seconds, or kind threshold: a plain rule tells every match');
  }
  if (kind === 'sequence' && (rule.count ?? 1) > windowLimits.sequences) {
    refuse('count', `is ${rule.count}; a sequence is counted to at most ${windowLimits.sequences}`);
  }
  if (kind === 'distinct' && rule.count === 1) {
    refuse('count', 'is 1, which one event fulfils: distinct counts to 2 or more');
  }
  if (rule.pattern === '' && !(kind === 'absence' && rule.followed_by === undefined)) {
    refuse('pattern', 'is empty: it would match every event');
  }
  if (rule.pattern === '' && rule.pattern_kind === 'regex') {
    refuse('pattern', 'is empty: for any event leave pattern_kind out');
  }
}

/**
 * Makes a rule's window.
 * @param second the rule object which the second step's matches carry
 * @returns undefined for a rule that does not count over time, or was refused
 */
export function windowRule(
  rule: Rule,
  second: Rule | undefined,
  refuse: Refuse,
): WindowRule | undefined {
  const kind = rule.kind ?? 'substring';
  const plain = kind === 'substring' || kind === 'regex';
  if (plain && rule.suppress_seconds === undefined) return undefined;
  let good = true;
  const fault: Refuse = (path, message) => {
    good = false;
    refuse(path, message);
  };
  const reads = (rule.group_by ?? []).map((name, at) => {
    const duplicate = (rule.group_by ?? []).indexOf(name) !== at;
    if (duplicate) fault(`group_by.${at}`, `${quote(name)} stands there twice`);
    return readOf(name, `group_by.${at}`, rule, fault, rule.followed_by);
  });
  const value =
    rule.distinct_by === undefined ? none : readOf(rule.distinct_by, 'distinct_by', rule, fault);
  if (rule.distinct_by !== undefined && (rule.group_by ?? []).includes(rule.distinct_by)) {
    fault(
      'distinct_by',
      `${quote(rule.distinct_by)} is also in group_by: of each key there is one`,
    );
  }
  if (!good) return undefined;
  const suppressMs = (rule.suppress_seconds ?? 0) * 1_000;
  const withinMs = plain ? Math.max(suppressMs, 60_000) : (rule.within_seconds ?? 0) * 1_000;
  return {
    rule,
    second,
    kind: plain ? 'threshold' : kind === 'absence' && second === undefined ? 'silence' : kind,
    count: rule.count ?? 1,
    withinMs,
    suppressMs,
    skewMs: Math.min(windowBounds.skewMs, withinMs / 4),
    lateMs: Math.min(windowBounds.lateMs, withinMs / 4),
    signature: signatureOf(rule),
    keyOf: keyOf(reads),
    valueOf: (found, event) => {
      const text = value(found, event);
      return text === undefined ? undefined : short(text);
    },
    group: (key) => groupOf(rule.group_by ?? [], key),
  };
}

/** `id@hash` of what the window's content depends on; names, severity, action and suppression may change. */
function signatureOf(rule: Rule): string {
  const { pattern, pattern_kind, kind, where, group_by, count, distinct_by, followed_by } = rule;
  const { within_seconds } = rule;
  const content = { pattern, pattern_kind, kind, where, group_by, count, distinct_by, followed_by };
  const all = { ...content, within_seconds };
  const told = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
  const hash = createHash('sha256').update(canonicalJson(told)).digest('hex').slice(0, 12);
  return `${rule.id}@${hash}`;
}

/** A named group of the pattern comes before a field of the same name. */
function readOf(
  name: string,
  path: string,
  rule: Rule,
  refuse: Refuse,
  followedBy?: RuleStep,
): Read {
  const groups = groupsOf(rule);
  const second = followedBy === undefined ? undefined : groupsOf(followedBy);
  const field = readerOf(name);
  if (groups.includes(name) || second?.includes(name) === true) {
    const without = groups.includes(name) ? (second ?? groups) : groups;
    if (!without.includes(name) && field === undefined) {
      const where = groups.includes(name) ? 'followed_by.pattern' : 'pattern';
      refuse(
        path,
        `${quote(name)} is a group of one pattern only: name a group (?<${name}>…) in ${where} too`,
      );
    }
    return (found, event) =>
      found.groups?.[name] ?? (field === undefined ? undefined : text(field(event)));
  }
  if (field !== undefined) return (_found, event) => text(field(event));
  const known = [...groups, ...CONDITION_FIELDS, 'fields.<name>'].join(', ');
  const hint = patternKindOf(rule) === 'regex' ? '' : '; named groups need "pattern_kind": "regex"';
  refuse(path, `${quote(name)} is no named group of the pattern and no field: use ${known}${hint}`);
  return none;
}

function groupsOf(step: Rule | RuleStep): string[] {
  const regex = 'id' in step ? patternKindOf(step) === 'regex' : step.pattern_kind === 'regex';
  return regex ? patternGroups(step.pattern) : [];
}

/** One part stands for itself, several as a JSON list; without any there is one key. */
function keyOf(reads: readonly Read[]): WindowRule['keyOf'] {
  const [only] = reads;
  if (only === undefined) return () => '';
  if (reads.length === 1) {
    return (found, event) => {
      const value = only(found, event);
      return value === undefined ? undefined : short(value);
    };
  }
  return (found, event) => {
    const values: string[] = [];
    for (const read of reads) {
      const value = read(found, event);
      if (value === undefined) return undefined;
      values.push(short(value));
    }
    return JSON.stringify(values);
  };
}

function groupOf(names: readonly string[], key: string): Record<string, string> {
  const [only] = names;
  if (only === undefined) return {};
  if (names.length === 1) return { [only]: key };
  const values: unknown = JSON.parse(key);
  const list = Array.isArray(values) ? values : [];
  return Object.fromEntries(names.map((name, at) => [name, String(list[at])]));
}

function short(value: string): string {
  if (value.length <= windowBounds.keyChars) return value;
  const hash = createHash('sha256').update(value).digest('hex').slice(0, 32);
  return `${value.slice(0, windowBounds.keyChars - 33)}#${hash}`;
}

function text(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}

function none(): undefined {
  return undefined;
}
