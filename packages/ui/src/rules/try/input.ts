// What is typed into a trial, read: the request it means, or what is wrong with which field.
import type { TrialRequest } from '../../api/rules.ts';
import { readObjectOrList } from '../../lib/json-text.ts';
import { limits } from '../../limits.ts';
import { jsonText } from '../../text/json.ts';
import { rulesText } from '../../text/rules.ts';

export const SOURCES = ['lines', 'newest', 'range'] as const;
export type TrialSource = (typeof SOURCES)[number];

/** Every installation knows these; others may be typed. */
export const DOMAINS = ['security', 'auth', 'wifi', 'connectivity', 'health', 'system'] as const;

export interface TrialInput {
  rules: string;
  source: TrialSource;
  lines: string;
  domain: string;
  last: string;
  /** As a `datetime-local` field has it: local time, without a zone. */
  from: string;
  to: string;
  /** Id of the agent to compare with; empty: none. */
  agent: string;
  /** Among the agent's other rules, instead of in place of them all. */
  among: boolean;
}

export const NEW_TRIAL: TrialInput = {
  rules: '',
  source: 'lines',
  lines: '',
  domain: '',
  last: '10000',
  from: '',
  to: '',
  agent: '',
  among: true,
};

export type TrialFaults = Partial<Record<keyof TrialInput, string>>;
export type ReadTrial = { ok: true; body: TrialRequest } | { ok: false; faults: TrialFaults };
type Read<T> = { ok: true; value: T } | { ok: false; faults: TrialFaults };

const faults = rulesText.trial.faults;

export function readTrial(input: TrialInput): ReadTrial {
  const rules = readRules(input.rules);
  const source = readSource(input);
  if (!rules.ok || !source.ok) {
    return { ok: false, faults: { ...faultsOf(rules), ...faultsOf(source) } };
  }
  const agent = input.agent ? { agent_id: input.agent } : {};
  return { ok: true, body: { rules: rules.value, ...agent, ...source.value } };
}

function faultsOf(read: Read<unknown>): TrialFaults {
  return read.ok ? {} : read.faults;
}

/** A list of rules, a document with `rules`, or one rule; whether they are rules the server says. */
export function readRules(text: string): Read<unknown[]> {
  if (text.trim() === '') return { ok: false, faults: { rules: faults.empty } };
  const reading = readObjectOrList(text);
  if (!reading.ok) {
    const { line, column, message } = reading;
    return { ok: false, faults: { rules: jsonText.broken(line, column, message) } };
  }
  const list = listOf(reading.value);
  if (!list) return { ok: false, faults: { rules: faults.shape } };
  if (list.length > limits.trialRules) {
    return { ok: false, faults: { rules: faults.many(list.length) } };
  }
  return { ok: true, value: list };
}

export function listOf(parsed: object): unknown[] | undefined {
  if (isList(parsed)) return parsed;
  if (!('rules' in parsed)) return [parsed];
  return isList(parsed.rules) ? parsed.rules : undefined;
}

/** `Array.isArray` would say `any[]`. */
function isList(value: unknown): value is unknown[] {
  return Array.isArray(value);
}

function readSource(input: TrialInput): Read<Partial<TrialRequest>> {
  if (input.source === 'lines') return readLines(input.lines);
  const where = readWhere(input);
  if (!where.ok) return where;
  const when = input.source === 'newest' ? readLast(input.last) : readRange(input);
  return when.ok ? { ok: true, value: { ...where.value, ...when.value } } : when;
}

function readLines(text: string): Read<Partial<TrialRequest>> {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  if (lines.length === 0) return { ok: false, faults: { lines: faults.noLines } };
  if (lines.length > limits.trialLines) {
    return { ok: false, faults: { lines: faults.manyLines(lines.length) } };
  }
  return { ok: true, value: { events: lines.map(eventOf) } };
}

type GivenEvent = NonNullable<TrialRequest['events']>[number];

const EVENT_FIELDS: ReadonlySet<string> = new Set<keyof GivenEvent>([
  'event_id',
  'timestamp',
  'type',
  'message',
  'received_at',
  'host',
  'source_ip',
  'program',
  'pid',
  'facility',
  'severity',
  'fields',
]);

/** A program may log JSON: only what has nothing but the fields of an event is one. */
export function eventOf(line: string): GivenEvent {
  if (!line.trimStart().startsWith('{')) return { message: line };
  let parsed: unknown;
  try {
    parsed = JSON.parse(line);
  } catch {
    return { message: line };
  }
  return isEvent(parsed) ? parsed : { message: line };
}

function isEvent(value: unknown): value is GivenEvent {
  return (
    typeof value === 'object' &&
    value !== null &&
    'message' in value &&
    typeof value.message === 'string' &&
    Object.keys(value).every((key) => EVENT_FIELDS.has(key))
  );
}

function readWhere({ domain, agent }: TrialInput): Read<Partial<TrialRequest>> {
  const name = domain.trim();
  if (name === '') {
    return agent ? { ok: true, value: {} } : { ok: false, faults: { domain: faults.source } };
  }
  return /^[A-Za-z0-9_-]{1,64}$/.test(name)
    ? { ok: true, value: { domain: name } }
    : { ok: false, faults: { domain: faults.domain } };
}

function readLast(text: string): Read<Partial<TrialRequest>> {
  const last = /^\d{1,6}$/.test(text.trim()) ? Number(text) : 0;
  return last >= 1 && last <= limits.trialEvents
    ? { ok: true, value: { last } }
    : { ok: false, faults: { last: faults.last } };
}

function readRange({ from, to }: TrialInput): Read<Partial<TrialRequest>> {
  const start = Date.parse(from);
  if (Number.isNaN(start)) return { ok: false, faults: { from: faults.from } };
  if (to === '') return { ok: true, value: { from: new Date(start).toISOString() } };
  const end = Date.parse(to);
  if (Number.isNaN(end) || end <= start) return { ok: false, faults: { to: faults.order } };
  return {
    ok: true,
    value: { from: new Date(start).toISOString(), to: new Date(end).toISOString() },
  };
}

/** The set as it would be: rules of the same id replaced where they stand, the others added. */
export function amongOthers(
  others: readonly { id: string }[],
  given: readonly unknown[],
): unknown[] {
  const byId = new Map(given.map((rule) => [idOf(rule), rule]));
  const replaced = others.map((rule) => byId.get(rule.id) ?? rule);
  const known = new Set(others.map(({ id }) => id));
  const added = given.filter((rule) => {
    const id = idOf(rule);
    return id === undefined || !known.has(id);
  });
  return [...replaced, ...added];
}

function idOf(rule: unknown): string | undefined {
  if (typeof rule !== 'object' || rule === null || !('id' in rule)) return undefined;
  return typeof rule.id === 'string' ? rule.id : undefined;
}
