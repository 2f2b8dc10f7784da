/** Changes of a draft, put on a layer that went on without it: key by key, in the stored form. Pure. */
import { type ConfigLayer, canonicalJson, isPlainObject } from '@opmas/protocol';
import { maskStored, storedSecrets } from './secret-values.ts';

export interface Conflict {
  /** Dotted path; of a list whose items have ids, `rules.<id>`. */
  path: string;
  /** What the draft says and what the layer says now, secrets masked; absent: not set. */
  draft?: unknown;
  head?: unknown;
}

export interface Rebased {
  document: ConfigLayer;
  /** Keys that both changed, each in another way. */
  conflicts: Conflict[];
}

/**
 * What the draft changed of `base` holds, and of everything else what `head` says. Where both changed a
 * key, the one that `prefer` names wins.
 */
export function rebaseDocument(
  base: ConfigLayer,
  draft: ConfigLayer,
  head: ConfigLayer,
  prefer: 'draft' | 'head',
): Rebased {
  const conflicts: Conflict[] = [];
  const clash = (path: string, mine: unknown, theirs: unknown): unknown => {
    conflicts.push({
      path,
      ...(mine === undefined ? {} : { draft: shown(mine) }),
      ...(theirs === undefined ? {} : { head: shown(theirs) }),
    });
    return prefer === 'draft' ? mine : theirs;
  };
  const merge = (was: unknown, mine: unknown, theirs: unknown, path: string): unknown => {
    if (isSame(mine, was)) return theirs;
    if (isSame(theirs, was) || isSame(mine, theirs)) return mine;
    const objects = [was, mine, theirs].map(branch);
    if (objects.every((each) => each !== undefined)) {
      const [before = {}, ours = {}, others = {}] = objects;
      const keys = new Set([...Object.keys(others), ...Object.keys(ours)]);
      const merged = [...keys].flatMap((key): [string, unknown][] => {
        const at = path === '' ? key : `${path}.${key}`;
        const value = merge(own(before, key), own(ours, key), own(others, key), at);
        return value === undefined ? [] : [[key, value]];
      });
      const isGone = merged.length === 0 && (mine === undefined || theirs === undefined);
      return isGone ? undefined : Object.fromEntries(merged);
    }
    const lists = [was ?? [], mine, theirs].map(itemsById);
    const [before, ours, others] = lists;
    if (before === undefined || ours === undefined || others === undefined) {
      return clash(path, mine, theirs);
    }
    const order = mergeOrder([...before.keys()], [...ours.keys()], [...others.keys()]);
    if (order === undefined) return clash(path, mine, theirs);
    return order.flatMap((id) => {
      const item = merge(before.get(id), ours.get(id), others.get(id), `${path}.${id}`);
      return item === undefined ? [] : [item];
    });
  };
  const document = merge(base, draft, head, '') as ConfigLayer | undefined;
  return { document: document ?? {}, conflicts };
}

function isSame(one: unknown, other: unknown): boolean {
  if (one === undefined || other === undefined) return one === other;
  return one === other || canonicalJson(one) === canonicalJson(other);
}

/** What has keys to be merged; what is absent has none. A secret is one value. */
function branch(value: unknown): ConfigLayer | undefined {
  if (value === undefined) return {};
  return isPlainObject(value) && !Object.hasOwn(value, '$secret') ? value : undefined;
}

/** Never the prototype's. */
function own(object: ConfigLayer, key: string): unknown {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/** Undefined for a list that is one value: without ids, or with secrets, which belong to their places. */
function itemsById(value: unknown): Map<string, unknown> | undefined {
  if (!Array.isArray(value) || storedSecrets({ value }).length > 0) return undefined;
  const items = new Map<string, unknown>();
  for (const item of value as unknown[]) {
    const id = isPlainObject(item) ? item['id'] : undefined;
    if (typeof id !== 'string' || items.has(id)) return undefined;
    items.set(id, item);
  }
  return items;
}

/** The order of whoever moved items, with what the other added at the end; undefined when both moved some. */
function mergeOrder(
  before: readonly string[],
  ours: readonly string[],
  others: readonly string[],
): string[] | undefined {
  const common = (list: readonly string[], with_: readonly string[]) => {
    const known = new Set(with_);
    return list.filter((id) => known.has(id)).join('\n');
  };
  const isMovedBy = (list: readonly string[]) => common(before, list) !== common(list, before);
  if (!isMovedBy(ours)) return [...new Set([...others, ...ours])];
  return isMovedBy(others) ? undefined : [...new Set([...ours, ...others])];
}

function shown(value: unknown): unknown {
  return maskStored({ value })['value'];
}
