/** Takes secrets out of what an agent logs or publishes, by the names of the fields that hold them. */
import { limits } from './limits.ts';

export const MASK = '******';

/** Words that mark a field as secret when they are a whole word of its name (`api_key`, `userPassword`). */
const SECRET_WORDS = new Set([
  'password',
  'passwords',
  'passwd',
  'passphrase',
  'token',
  'tokens',
  'secret',
  'secrets',
  'key',
  'keys',
  'apikey',
]);

/** Field names repeat from event to event; the cache is bounded because hostile ones do not. */
const known = new Map<string, boolean>();

/** Is `name` the name of a secret? `monkey` and `keyboard` are not. */
export function isSecretName(name: string): boolean {
  let secret = known.get(name);
  if (secret === undefined) {
    secret = hasSecretWord(name);
    if (known.size < limits.rememberedNames && name.length <= 64) known.set(name, secret);
  }
  return secret;
}

function hasSecretWord(name: string): boolean {
  const words = name
    .slice(0, 256)
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replace(/([A-Z]+)([A-Z][a-z])/g, '$1 $2')
    .toLowerCase()
    .split(/[^a-z0-9]+/);
  return words.some((word) => SECRET_WORDS.has(word));
}

/**
 * A copy of `data` in which every value under a secret name, at any depth, is `******`.
 * Followed to 16 levels and 20,000 members; what lies beyond, and circles, become a mark, so that the
 * result is always finite JSON and never holds what was not looked at.
 */
export function sanitizeData<T extends object>(data: T): Record<string, unknown> {
  const budget = { left: limits.sanitizeMembers };
  return sanitizeObject(data, 0, [], budget);
}

type Budget = { left: number };

function sanitizeObject(
  data: object,
  depth: number,
  above: object[],
  budget: Budget,
): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  above.push(data);
  for (const [name, value] of Object.entries(data)) {
    if (budget.left <= 0) {
      result['truncated'] = true;
      break;
    }
    budget.left -= 1;
    const clean =
      isSecretName(name) && value !== null && value !== undefined
        ? MASK
        : sanitizeValue(value, depth + 1, above, budget);
    if (name === '__proto__') define(result, name, clean);
    else result[name] = clean;
  }
  above.pop();
  return result;
}

/** What an assignment would not do to `__proto__`: make it a member. */
function define(object: object, name: string, value: unknown): void {
  const how = { enumerable: true, writable: true, configurable: true };
  Object.defineProperty(object, name, { ...how, value });
}

function sanitizeValue(value: unknown, depth: number, above: object[], budget: Budget): unknown {
  if (typeof value === 'bigint' || typeof value === 'symbol') return String(value);
  if (typeof value === 'function') return undefined;
  if (typeof value !== 'object' || value === null) return value;
  if (above.includes(value)) return '[circular]';
  if (depth > limits.sanitizeDepth) return '[too deep]';
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (value instanceof Error) return { name: value.name, message: value.message };
  if (!Array.isArray(value)) return sanitizeObject(value, depth, above, budget);
  above.push(value);
  const items: unknown[] = [];
  for (const item of value) {
    if (budget.left <= 0) {
      items.push('[truncated]');
      break;
    }
    budget.left -= 1;
    items.push(sanitizeValue(item, depth + 1, above, budget));
  }
  above.pop();
  return items;
}
