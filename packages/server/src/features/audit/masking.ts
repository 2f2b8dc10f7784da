/** What may stand in the audit log of what a caller sent: no secret, nothing the database cannot hold, bounded. */
import { createHash } from 'node:crypto';
import { canonicalJson, isPlainObject } from '@opmas/protocol';
import { limits } from '../../kernel/limits.ts';
import { parseStorable } from '../../kernel/storable.ts';

export const MASK = '***';

/** A word of the key's name that makes its value a secret, wherever it stands. */
const SECRET_WORDS = new Set([
  'authorization',
  'community',
  'cookie',
  'jwt',
  'nkey',
  'otp',
  'passphrase',
  'passwd',
  'password',
  'passwords',
  'pin',
  'psk',
  'recovery',
  'secret',
  'secrets',
  'seed',
  'totp',
]);
/** Words that do so at the end of it: `api_key` is one, `key_id` is none. */
const SECRET_ENDS = new Set([
  'credential',
  'credentials',
  'key',
  'keys',
  'salt',
  'token',
  'tokens',
]);
/** Words at the end by which it is said of a secret, not the secret. */
const HARMLESS_ENDS = new Set(['at', 'count', 'enabled', 'id', 'kind', 'name', 'type', 'uses']);

/** Secrets by their look, wherever they stand in a text. */
const SECRET_TEXTS: readonly RegExp[] = [
  /\beyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?/g, // JWT
  /\bS[ACNOUX][A-Z2-7]{56}\b/g, // nkey seed
  /-----BEGIN [A-Z ]*PRIVATE KEY-----[^]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g,
  /\b(?:bearer|basic) +[\w.~+/=-]{8,}/gi,
  /\bopmas_[\w-]{8,}/g,
  /(?<=:\/\/[^\s/:@]{0,256}:)[^\s/@]{1,256}(?=@)/g, // password in a URL
];

/**
 * A JSON value for the log: secrets masked, texts, lists and depth bounded.
 * @returns undefined when there is nothing
 */
export function presentable(value: unknown): unknown {
  const text = value === undefined ? undefined : JSON.stringify(value);
  return text === undefined ? undefined : masked(parseStorable(text), 0);
}

/** A text for the log, for a column or a value. */
export function presentableText(text: string, max: number): string {
  let result = text.toWellFormed().replaceAll('\0', '\ufffd');
  // Longer than any secret that is looked for, shorter than what would be slow to look through.
  if (result.length > max + 4_096) result = result.slice(0, max + 4_096);
  for (const secret of SECRET_TEXTS) result = result.replace(secret, MASK);
  return result.length <= max ? result : `${result.slice(0, max - 1)}…`;
}

/** Too much for a row: its size and hash stand for it, so that it can be recognised. */
export function bounded(value: unknown, bytes: number): unknown {
  const text = canonicalJson(value);
  const size = Buffer.byteLength(text);
  if (size <= bytes) return value;
  return { $cut: { bytes: size, sha256: createHash('sha256').update(text).digest('hex') } };
}

/** Before and after, each within its bound: of large ones only the keys that differ. */
export function difference(before: unknown, after: unknown): { before: unknown; after: unknown } {
  const fits = (value: unknown) => Buffer.byteLength(canonicalJson(value)) <= limits.auditBytes;
  if ((fits(before) && fits(after)) || !isPlainObject(before) || !isPlainObject(after)) {
    return { before: bounded(before, limits.auditBytes), after: bounded(after, limits.auditBytes) };
  }
  const differs = (key: string) => canonicalJson(before[key]) !== canonicalJson(after[key]);
  const only = (from: Record<string, unknown>, other: Record<string, unknown>) => {
    const keys = [...new Set([...Object.keys(from), ...Object.keys(other)])].filter(differs);
    const share = Math.max(512, Math.floor(limits.auditBytes / Math.max(1, keys.length)));
    const kept = keys
      .filter((key) => Object.hasOwn(from, key))
      .map((key) => [key, bounded(from[key], share)] as const);
    return bounded(Object.fromEntries(kept), 2 * limits.auditBytes);
  };
  return { before: only(before, after), after: only(after, before) };
}

function masked(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return presentableText(value, limits.auditTextChars);
  if (depth > limits.auditDepth) return MASK;
  if (Array.isArray(value)) {
    const kept = value.slice(0, limits.auditItems).map((each) => masked(each, depth + 1));
    return value.length > kept.length ? [...kept, `… ${value.length - kept.length} more`] : kept;
  }
  if (!isPlainObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      // `$` begins what the log itself writes.
      key.startsWith('$') && key !== '$secret' ? `$${key}` : presentableText(key, 256),
      isSecret(key) && hides(inner) ? MASK : masked(inner, depth + 1),
    ]),
  );
}

/** Whether there is one may be known, and that there is none. */
function hides(value: unknown): boolean {
  return value !== null && typeof value !== 'boolean' && value !== '';
}

/** Is the value of a key of this name a secret? */
export function isSecret(key: string): boolean {
  if (key === '$secret') return true;
  const words = key
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .split(/[^a-z0-9]+/)
    .filter((word) => word !== '');
  const last = words.at(-1) ?? '';
  if (words.includes('public') || HARMLESS_ENDS.has(last)) return false;
  return (
    SECRET_ENDS.has(last) ||
    words.some((word) => SECRET_WORDS.has(word)) ||
    /(?:password|passwd|secret|apikey|privatekey)/.test(words.join(''))
  );
}
