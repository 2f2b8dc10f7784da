/** Takes persons out of an entry, so that they can be erased; and puts them back for who reads it. */
import { randomBytes } from 'node:crypto';
import type { PersonalPart } from '@opmas/keyring';
import { isPlainObject } from '@opmas/protocol';
import { limits } from '../../kernel/limits.ts';
import type { AuditEntry } from './entry.ts';
import { MASK, presentable, presentableText } from './masking.ts';

/** What stands in a row in place of a name and of an id; the number is the part. */
const NAME = '$person';
const ID = '$person_id';
const IN_TEXT = /^\$person(_id)?:(\d{1,3})$/;

/** What a reader sees of someone who was erased. */
export const ERASED = '(erased)';

const NAME_KEYS = /^(?:user_?name|user|e_?mail|login|author|actor|owner|assignee|\w+_by)$/;
const ID_KEYS = /^(?:user_id|owner_id)$/;
const UUID = /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/;

export interface Depersonalised {
  actor: string | null;
  actor_id: string | null;
  object: string | null;
  details: unknown;
  before: unknown;
  after: unknown;
  parts: PersonalPart[];
}

/** The entry without a person in it, and the persons. Secrets are masked on the way. */
export function depersonalise(entry: AuditEntry): Depersonalised {
  const { caller, action } = entry;
  const isPerson = caller.kind === 'user';
  const name = presentableText(caller.name || caller.id, limits.auditNameChars);
  const id = presentableText(caller.id, limits.auditNameChars);
  const parts: PersonalPart[] = [
    {
      part: 0,
      person_id: isPerson ? id : null,
      name: isPerson ? name : null,
      remote: entry.remote === undefined ? null : presentableText(entry.remote, 64),
      user_agent:
        entry.userAgent === undefined
          ? null
          : presentableText(entry.userAgent, limits.auditNameChars),
      salt: salt(),
    },
  ];

  /** The part of this person, made when new; undefined when a row names too many. */
  const partOf = (person: { id?: string; name?: string }): number | undefined => {
    const same = (mine: string | null, theirs: string | undefined) =>
      theirs === undefined || mine === theirs;
    const known = parts.find(
      (part) =>
        (part.person_id !== null || part.name !== null) &&
        same(part.person_id, person.id) &&
        same(part.name, person.name),
    );
    if (known !== undefined) return known.part;
    if (parts.length >= limits.auditPersons) return undefined;
    const part = parts.length;
    parts.push({
      part,
      person_id: person.id ?? null,
      name: person.name ?? null,
      remote: null,
      user_agent: null,
      salt: salt(),
    });
    return part;
  };
  const marked = (mark: string, part: number | undefined): unknown =>
    part === undefined ? MASK : { [mark]: part };

  const withoutPersons = (value: unknown): unknown => {
    // By the id alone: a name may also be that of a role.
    if (isPerson && value === id) return marked(ID, 0);
    if (Array.isArray(value)) return value.map(withoutPersons);
    if (!isPlainObject(value)) return value;
    const [userId, userName] = [value['user_id'], value['username']];
    const both =
      typeof userId === 'string' && typeof userName === 'string'
        ? partOf({ id: userId, name: userName })
        : undefined;
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => {
        if (typeof inner !== 'string' || inner === '' || inner === id) {
          return [key, withoutPersons(inner)];
        }
        if (both !== undefined && key === 'username') return [key, marked(NAME, both)];
        if (both !== undefined && key === 'user_id') return [key, marked(ID, both)];
        if (NAME_KEYS.test(key)) return [key, marked(NAME, partOf({ name: inner }))];
        if (ID_KEYS.test(key)) return [key, marked(ID, partOf({ id: inner }))];
        return [key, withoutPersons(inner)];
      }),
    );
  };

  const objectOf = (): string | null => {
    if (entry.object === undefined) return null;
    const text = presentableText(entry.object, limits.auditNameChars);
    const shown = text.startsWith('$') ? `$${text}` : text;
    const person = personIn(text);
    const [first] = parts;
    if (caller.kind === 'anonymous' && person !== undefined && first !== undefined) {
      // Who signs in, or tries to, is the one who acts: the address is theirs too.
      Object.assign(first, { person_id: person.id ?? null, name: person.name ?? null });
    }
    const part = person === undefined ? undefined : partOf(person);
    if (person === undefined) return shown;
    if (part === undefined) return MASK;
    return `${person.id === undefined ? NAME : ID}:${part}`;
  };
  const personIn = (text: string): { id?: string; name?: string } | undefined => {
    if (isPerson && text === name) return { name };
    if (isPerson && text === id) return { id };
    if (action.startsWith('users.')) return UUID.test(text) ? { id: text } : { name: text };
    // Signing in names a person; what else these name is a session, by its id.
    if (/^(?:auth|setup)\./.test(action) && !UUID.test(text)) return { name: text };
    return undefined;
  };

  const result = {
    actor: isPerson ? null : name,
    actor_id: isPerson ? null : id,
    object: objectOf(),
    details: withoutPersons(presentable(entry.details ?? {})),
    before: withoutPersons(presentable(entry.before)) ?? null,
    after: withoutPersons(presentable(entry.after)) ?? null,
  };
  const [first] = parts;
  const empty = parts.length === 1 && !isPerson && !first?.remote && !first?.user_agent;
  return { ...result, parts: empty ? [] : parts };
}

/** A value of a row with the names back in it, where they were not erased. */
export function personalised(value: unknown, parts: readonly PersonalPart[]): unknown {
  if (Array.isArray(value)) return value.map((each) => personalised(each, parts));
  if (!isPlainObject(value)) return value;
  const keys = Object.keys(value);
  const [key] = keys;
  if (keys.length === 1 && (key === NAME || key === ID))
    return told(key, Number(value[key]), parts);
  return Object.fromEntries(
    Object.entries(value).map(([each, inner]) => [
      each.startsWith('$$') ? each.slice(1) : each,
      personalised(inner, parts),
    ]),
  );
}

/** The same for the column `object`. */
export function personalisedText(
  text: string | null,
  parts: readonly PersonalPart[],
): string | null {
  if (text === null) return null;
  const match = IN_TEXT.exec(text);
  if (match !== null) return told(match[1] === undefined ? NAME : ID, Number(match[2]), parts);
  return text.startsWith('$$') ? text.slice(1) : text;
}

function told(mark: string, number: number, parts: readonly PersonalPart[]): string {
  const part = parts.find((each) => each.part === number);
  return (mark === NAME ? part?.name : part?.person_id) ?? ERASED;
}

function salt(): string {
  return randomBytes(16).toString('base64url');
}
