/** Which bytes are an event for sure: the form in which OPMAS writes events, taken from their schema. */
import { LogEvent } from '@opmas/protocol';

export type MemberKind = 'string' | 'time' | 'integer';

/** A member of an event as it stands in a line without white space. */
export interface Member {
  /** `"name":`, for what is written in quotes with the first of them. */
  opening: string;
  kind: MemberKind;
  /** Bytes of a string between its quotes, digits of an integer. */
  least: number;
  most: number;
  isRequired: boolean;
}

/** An opening longer than a vector would be compared in part. */
const OPENING_BYTES = 16;
/** So many digits are a whole number that every schema takes which has no upper bound. */
const DIGITS = 9;

/** Times as OPMAS writes them, `2026-11-21T09:05:01.250Z`: by place, the lowest and the highest byte. */
export const TIME_LEAST = Buffer.from('1000-00-00T00:00:00.000Z');
export const TIME_MOST = Buffer.from('9999-19-39T29:59:59.999Z');
/** A bit for each month, from 1, of 31 days. February has 28: its 29th is left to who reads the event. */
export const LONG_MONTHS = 0b1_0101_1010_1010;

/**
 * Members whose bytes prove them valid, in the order of the schema. What is not listed, as objects inside an event,
 * proves nothing: such an event has to be read.
 */
export const MEMBERS: readonly Member[] = membersOf(LogEvent);

interface Schema {
  readonly properties: Readonly<Record<string, object>>;
  readonly required?: readonly string[];
}

function membersOf({ properties, required = [] }: Schema): Member[] {
  const members: Member[] = [];
  for (const [name, schema] of Object.entries(properties)) {
    const form = formOf(schema);
    const opening = `"${name}":${form?.kind === 'integer' ? '' : '"'}`;
    if (form !== undefined && opening.length <= OPENING_BYTES) {
      members.push({ opening, ...form, isRequired: required.includes(name) });
    } else if (required.includes(name)) {
      throw new Error(`events cannot be told by their bytes: ${name} is required`);
    }
  }
  return members;
}

function formOf(schema: object): Pick<Member, 'kind' | 'least' | 'most'> | undefined {
  const { type, format, minimum, minLength, maxLength, ...others } = schema as Record<
    string,
    unknown
  >;
  if (format === 'date-time') {
    return { kind: 'time', least: TIME_LEAST.length, most: TIME_LEAST.length };
  }
  // A demand that is not known here may be one that the bytes do not meet.
  if (format !== undefined || Object.keys(others).length > 0) return undefined;
  if (type === 'integer' && minimum === 0) return { kind: 'integer', least: 1, most: DIGITS };
  if (type !== 'string' || minimum !== undefined) return undefined;
  return {
    kind: 'string',
    least: numberOr(minLength, 0),
    // A character has a byte at least.
    most: numberOr(maxLength, Number.MAX_SAFE_INTEGER),
  };
}

function numberOr(value: unknown, otherwise: number): number {
  return typeof value === 'number' ? value : otherwise;
}
