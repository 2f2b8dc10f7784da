/** What differs between two configurations, key by key, with secrets masked. Pure. */
import { type ConfigLayer, canonicalJson, isPlainObject } from '@opmas/protocol';
import { configLimits } from './limits.ts';
import { maskSecrets, maskStored, type PlainSecret } from './secret-values.ts';

export interface Change {
  /** Dotted path; of a list whose items have ids, `rules.<id>`. */
  path: string;
  /** Absent: was not set. */
  before?: unknown;
  /** Absent: is not set any more. */
  after?: unknown;
}

export interface Diff {
  changes: Change[];
  /** Changes beyond those told. */
  more: number;
}

/** A configuration in plain text, and the secrets in it. */
export interface Readable {
  config: ConfigLayer;
  secrets: readonly PlainSecret[];
}

/** Between two effective configurations. */
export function diffConfigs(before: Readable, after: Readable, limit: number): Diff {
  return diffLeaves(
    leaves(before.config),
    leaves(after.config),
    leaves(maskSecrets(before.config, before.secrets)),
    leaves(maskSecrets(after.config, after.secrets)),
    limit,
  );
}

/** Between two stored documents: a secret differs when it was given anew. */
export function diffStored(
  before: ConfigLayer,
  after: ConfigLayer,
  limit: number = configLimits.diffEntries,
): Diff {
  return diffLeaves(
    leaves(before),
    leaves(after),
    leaves(maskStored(before)),
    leaves(maskStored(after)),
    limit,
  );
}

/** Keys that an agent takes over only when it is started again. */
export function needsRestart(changes: readonly Change[]): boolean {
  return changes.some(({ path }) => path === 'nats' || path.startsWith('nats.'));
}

/** Keys that change what an agent may read and publish. */
export function needsProvisioning(changes: readonly Change[]): boolean {
  return changes.some(({ path }) => path === 'subscribed_topics' || path === 'findings_topic');
}

type Leaves = ReadonlyMap<string, unknown>;

function diffLeaves(
  before: Leaves,
  after: Leaves,
  shownBefore: Leaves,
  shownAfter: Leaves,
  limit: number,
): Diff {
  const changes: Change[] = [];
  let more = 0;
  for (const path of [...new Set([...before.keys(), ...after.keys()])].sort()) {
    const was = before.get(path);
    const is = after.get(path);
    if (was === is) continue;
    if (before.has(path) && after.has(path) && canonicalJson(was) === canonicalJson(is)) continue;
    if (changes.length === limit) more += 1;
    else {
      changes.push({
        path,
        ...(before.has(path) && { before: shownBefore.get(path) }),
        ...(after.has(path) && { after: shownAfter.get(path) }),
      });
    }
  }
  return { changes, more };
}

/** Every value by its path. A secret, in whatever form, is one value. */
function leaves(config: ConfigLayer): Leaves {
  const found = new Map<string, unknown>();
  const visit = (value: unknown, path: string) => {
    const members = membersOf(value);
    if (members === undefined || members.length === 0) {
      if (path !== '') found.set(path, value);
      return;
    }
    for (const [key, inner] of members) {
      const at = path === '' ? key : `${path}.${key}`;
      // An item of a list is told whole.
      if (Array.isArray(value)) found.set(at, inner);
      else visit(inner, at);
    }
  };
  visit(config, '');
  return found;
}

function membersOf(value: unknown): [string, unknown][] | undefined {
  if (isPlainObject(value)) {
    return Object.hasOwn(value, '$secret') ? undefined : Object.entries(value);
  }
  if (!Array.isArray(value)) return undefined;
  // A list of things with ids is told by id: one rule more is one change.
  const ids = new Set<string>();
  for (const item of value as unknown[]) {
    const id = isPlainObject(item) ? item['id'] : undefined;
    if (typeof id !== 'string' || ids.has(id)) return undefined;
    ids.add(id);
  }
  return [...ids].map((id, index) => [id, value[index] as unknown]);
}
