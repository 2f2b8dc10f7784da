/**
 * Secret values of configurations: `{"$secret": "text"}` on the way in, an id in the stored document, a
 * mask on every way out but the agent's own. Pure.
 */
import { type ConfigLayer, canonicalJson, type Fault, isPlainObject } from '@opmas/protocol';

const KEY = '$secret';
export const MASK = '********';
const MASKED = { [KEY]: MASK } as const;
const MAX_TEXT = 65_536;
const MAX_SECRETS = 1_000;

/** OPMAS itself reads these, copies them and shows them elsewhere: they cannot be secret. */
const OPEN_KEYS = new Set([
  'processing',
  'monitoring',
  'rules',
  'rules_enabled',
  'subscribed_topics',
  'findings_topic',
]);

type Path = readonly (string | number)[];

/** Where a secret stands in a stored document, and the row that holds it. */
export interface StoredSecret {
  id: string;
  /** JSON pointer. */
  path: string;
}

export interface FreshSecret extends StoredSecret {
  text: string;
}

/** A secret in plain text and where it stands. */
export interface PlainSecret {
  at: Path;
  text: string;
}

export type Accepted =
  | { ok: true; stored: ConfigLayer; fresh: FreshSecret[] }
  | { ok: false; errors: Fault[] };

/**
 * What a person sent, as it may be stored: every text becomes an id, every mask the id that stands in the
 * same place of `current`. In a list the place counts only while the item is otherwise the same: nobody's
 * secret may slip to their neighbour when an item is removed.
 */
export function acceptSecrets(
  document: ConfigLayer,
  current: ConfigLayer,
  newId: () => string,
): Accepted {
  const errors: Fault[] = [];
  const fresh: FreshSecret[] = [];
  let count = 0;
  const one = (value: Record<string, unknown>, at: Path, before: unknown): unknown => {
    const fault = (message: string) => {
      errors.push({ path: at.join('.'), message });
      return MASKED;
    };
    count += 1;
    const text = value[KEY];
    if (Object.keys(value).length !== 1 || typeof text !== 'string' || text === '') {
      return fault(`a secret is written {"${KEY}": "text"}, and nothing beside it`);
    }
    if (text.length > MAX_TEXT) return fault(`a secret has at most ${MAX_TEXT} characters`);
    if (count > MAX_SECRETS) return fault(`more than ${MAX_SECRETS} secrets in one configuration`);
    if (isOpen(at)) return fault('cannot be a secret: OPMAS itself reads and shows it');
    if (text === MASK) {
      const kept = idOf(before);
      if (kept !== undefined) return { [KEY]: { id: kept } };
      return fault(
        `no secret is kept here that the mask could stand for; write {"${KEY}": "text"}`,
      );
    }
    const id = newId();
    fresh.push({ id, path: pointer(at), text });
    return { [KEY]: { id } };
  };
  const visit = (value: unknown, at: Path, before: unknown): unknown => {
    if (Array.isArray(value)) {
      return value.map((item, index) => {
        const old: unknown = Array.isArray(before) ? before[index] : undefined;
        return visit(item, [...at, index], isSameItem(item, old) ? old : undefined);
      });
    }
    if (!isPlainObject(value)) return value;
    if (Object.hasOwn(value, KEY)) return one(value, at, before);
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [
        key,
        visit(inner, [...at, key], isPlainObject(before) ? before[key] : undefined),
      ]),
    );
  };
  const stored = visit(document, [], current) as ConfigLayer;
  return errors.length > 0 ? { ok: false, errors } : { ok: true, stored, fresh };
}

/** Every secret of a stored document. */
export function storedSecrets(stored: ConfigLayer): StoredSecret[] {
  const found: StoredSecret[] = [];
  replaceSecrets(stored, (value, at) => {
    const id = idOf(value);
    if (id !== undefined) found.push({ id, path: pointer(at) });
    return value;
  });
  return found;
}

/** A stored document with its secrets in plain text, by id. */
export function revealStored(
  stored: ConfigLayer,
  texts: ReadonlyMap<string, string>,
): { plain: ConfigLayer; secrets: PlainSecret[] } {
  return reveal(stored, (value) => texts.get(idOf(value) ?? ''));
}

/** A layer that people write in files: its secrets are readable there, and masked in answers. */
export function revealWritten(layer: ConfigLayer): { plain: ConfigLayer; secrets: PlainSecret[] } {
  return reveal(layer, (value) => {
    const text = value[KEY];
    return Object.keys(value).length === 1 && typeof text === 'string' ? text : undefined;
  });
}

/** A stored document as everybody may see it. */
export function maskStored(stored: ConfigLayer): ConfigLayer {
  return replaceSecrets(stored, () => MASKED) as ConfigLayer;
}

/** An effective configuration as everybody may see it: masked wherever one of `secrets` won. */
export function maskSecrets(config: ConfigLayer, secrets: readonly PlainSecret[]): ConfigLayer {
  const texts = new Map(secrets.map(({ at, text }) => [pointer(at), text]));
  const visit = (value: unknown, at: Path): unknown => {
    if (typeof value === 'string') return texts.get(pointer(at)) === value ? MASKED : value;
    if (Array.isArray(value)) return value.map((item, index) => visit(item, [...at, index]));
    if (!isPlainObject(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [key, visit(inner, [...at, key])]),
    );
  };
  return texts.size === 0 ? config : (visit(config, []) as ConfigLayer);
}

function reveal(
  layer: ConfigLayer,
  textOf: (value: Record<string, unknown>) => string | undefined,
): { plain: ConfigLayer; secrets: PlainSecret[] } {
  const secrets: PlainSecret[] = [];
  const plain = replaceSecrets(layer, (value, at) => {
    const text = textOf(value);
    if (text === undefined) return value;
    secrets.push({ at, text });
    return text;
  }) as ConfigLayer;
  return { plain, secrets };
}

/** A copy in which each object with a `$secret` is what `change` makes of it. */
function replaceSecrets(
  value: unknown,
  change: (value: Record<string, unknown>, at: Path) => unknown,
  at: Path = [],
): unknown {
  if (Array.isArray(value)) {
    return value.map((item, index) => replaceSecrets(item, change, [...at, index]));
  }
  if (!isPlainObject(value)) return value;
  if (Object.hasOwn(value, KEY)) return change(value, at);
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, replaceSecrets(inner, change, [...at, key])]),
  );
}

/** The id of a stored secret; undefined for anything else. */
function idOf(value: unknown): string | undefined {
  const inner = isPlainObject(value) ? value[KEY] : undefined;
  const id = isPlainObject(inner) ? inner['id'] : undefined;
  return typeof id === 'string' ? id : undefined;
}

/** The whole document is no value either. */
function isOpen([first, second]: Path): boolean {
  if (first === undefined) return true;
  return OPEN_KEYS.has(String(first)) || (first === 'nats' && second === 'url');
}

function isSameItem(item: unknown, before: unknown): boolean {
  const masked = (value: unknown) => canonicalJson(replaceSecrets(value, () => MASKED));
  return before !== undefined && masked(item) === masked(before);
}

/** RFC 6901. */
function pointer(path: Path): string {
  return path
    .map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`)
    .join('');
}
