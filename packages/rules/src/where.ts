/** Conditions on an event's fields, beside the pattern: `where` of a rule. */
import { isPlainObject, type LogEvent } from '@opmas/protocol';
import { quote } from './fault.ts';
import { limits } from './limits.ts';

/** Fields of an event that a condition may name; `fields.<name>` besides. */
export const CONDITION_FIELDS = [
  'program',
  'host',
  'source_ip',
  'facility',
  'severity',
  'type',
] as const;
type ConditionField = (typeof CONDITION_FIELDS)[number];

type Test = (value: string) => boolean;
type Read = (event: LogEvent) => unknown;

export interface Condition {
  holds(event: LogEvent): boolean;
  /** Sets the field of `event` so that the condition holds: an example gives only the message. */
  satisfy(event: LogEvent): void;
}

export type ConditionFault = { path: string; message: string };

/**
 * Compiles `where`: `{"program": "dropbear"}` equals, `{"program": ["sshd", "dropbear"]}` one of,
 * `{"host": {"prefix": "ap-"}}` begins with, `{"host": {"value": ["AP-1"], "ignore_case": true}}` whatever the case
 * (`prefix` too). All must hold. Numbers and booleans are compared as text; an event without the field does not match.
 * @returns the conditions, and every fault with its path. Never throws.
 */
export function compileWhere(where: Record<string, unknown>): {
  conditions: Condition[];
  faults: ConditionFault[];
} {
  const conditions: Condition[] = [];
  const faults: ConditionFault[] = [];
  const entries = Object.entries(where);
  if (entries.length > limits.conditions) {
    return {
      conditions,
      faults: [
        {
          path: 'where',
          message: `has ${entries.length} conditions; at most ${limits.conditions}`,
        },
      ],
    };
  }
  for (const [field, value] of entries) {
    const path = `where.${field}`;
    const access = accessOf(field);
    if (access === undefined) {
      const known = [...CONDITION_FIELDS, 'fields.<name>'].join(', ');
      faults.push({ path, message: `${quote(field)} is no field of an event; use ${known}` });
      continue;
    }
    const test = testOf(value);
    if ('message' in test) {
      faults.push({ path, message: test.message });
      continue;
    }
    conditions.push({
      holds(event) {
        const text = textOf(access.read(event));
        return text !== undefined && test.holds(text);
      },
      satisfy: (event) => access.write(event, test.sample),
    });
  }
  return { conditions, faults };
}

/** Reads a field of events by its name in conditions; undefined: there is no such field. */
export function readerOf(field: string): ((event: LogEvent) => unknown) | undefined {
  return accessOf(field)?.read;
}

function accessOf(
  field: string,
): { read: Read; write: (event: LogEvent, value: string) => void } | undefined {
  const known = CONDITION_FIELDS.find((name): name is ConditionField => name === field);
  if (known !== undefined) {
    return {
      read: (event) => event[known],
      write: (event, value) => {
        event[known] = value;
      },
    };
  }
  if (!field.startsWith('fields.') || field.length === 'fields.'.length) return undefined;
  const name = field.slice('fields.'.length);
  return {
    read: (event) => lookUp(event.fields, name),
    write: (event, value) => {
      event.fields = { ...event.fields, [name]: value };
    },
  };
}

/** `a.b` names the member `a.b`, or else member `b` of member `a`. */
function lookUp(from: unknown, name: string): unknown {
  let at: unknown = from;
  let rest = name;
  for (;;) {
    if (!isPlainObject(at)) return undefined;
    if (Object.hasOwn(at, rest)) return at[rest];
    const dot = rest.indexOf('.');
    if (dot < 0 || !Object.hasOwn(at, rest.slice(0, dot))) return undefined;
    at = at[rest.slice(0, dot)];
    rest = rest.slice(dot + 1);
  }
}

function testOf(value: unknown): { holds: Test; sample: string } | { message: string } {
  const one = textOf(value);
  if (one !== undefined) {
    return sized(one) ?? { holds: (text) => text === one, sample: one };
  }
  if (Array.isArray(value)) {
    const texts = value.map(textOf);
    const first = texts[0];
    if (first === undefined || texts.length > limits.conditionValues || texts.includes(undefined)) {
      return { message: `a list holds 1 to ${limits.conditionValues} texts, numbers or booleans` };
    }
    const long = texts.map((text) => sized(text ?? '')).find((fault) => fault !== undefined);
    const set = new Set(texts);
    return long ?? { holds: (text) => set.has(text), sample: first };
  }
  return (isPlainObject(value) ? spelledOut(value) : undefined) ?? { message: FORMS };
}

const FORMS =
  'must be a value ("dropbear"), a list of values (["sshd", "dropbear"]), {"prefix": "ap-"} or {"value": …, "ignore_case": true}';

/** `{"prefix": text}` or `{"value": value or list}`, either with `"ignore_case"`; undefined for anything else. */
function spelledOut(given: Record<string, unknown>): ReturnType<typeof testOf> | undefined {
  const { prefix, value, ignore_case: ignoreCase = false, ...others } = given;
  if (typeof ignoreCase !== 'boolean' || Object.keys(others).length > 0) return undefined;
  if ((prefix === undefined) === (value === undefined) || isPlainObject(value)) return undefined;
  const fold = (text: string) => (ignoreCase ? text.toLowerCase() : text);
  if (typeof prefix === 'string' && prefix !== '') {
    const folded = fold(prefix);
    return sized(prefix) ?? { holds: (text) => fold(text).startsWith(folded), sample: prefix };
  }
  if (prefix !== undefined) return undefined;
  const exact = testOf(value);
  if ('message' in exact || !ignoreCase) return exact;
  const folded = testOf([value].flat().map((one) => fold(textOf(one) ?? '')));
  if ('message' in folded) return folded;
  return { holds: (text) => folded.holds(fold(text)), sample: exact.sample };
}

function sized(text: string): { message: string } | undefined {
  if (text.length <= limits.conditionChars) return undefined;
  return { message: `a value has at most ${limits.conditionChars} characters` };
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined;
}
