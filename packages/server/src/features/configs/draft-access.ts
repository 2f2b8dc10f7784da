/** Which drafts, and versions of layers, a caller may see and change. */
import type { ConfigLayer } from '@opmas/protocol';
import { OpmasError } from '../../kernel/errors.ts';
import { type Reach, reaches } from '../../kernel/grants.ts';
import { badCursor, decodeCursor } from '../../kernel/paging.ts';
import type { Executor } from '../../platform/ports.ts';
import { agentFacts } from '../agents/index.ts';
import { headOf, versionOf } from './configs.store.ts';
import { draftEnd } from './draft-ends.store.ts';
import { hasEnded, noDraft, rolledOut } from './drafts.errors.ts';
import * as store from './drafts.store.ts';
import { describeScope, type ScopeRef } from './scopes.ts';
import { storedSecrets } from './secret-values.ts';

/** @throws {OpmasError} OPMAS_FORBIDDEN for a layer that reaches more than the caller does */
export async function requireReach(db: Executor, reach: Reach, ref: ScopeRef): Promise<void> {
  if (await reachesScope(db, reach, ref)) return;
  throw new OpmasError(
    'OPMAS_FORBIDDEN',
    'This needs the permission configs:write for all that the layer reaches',
  );
}

async function reachesScope(db: Executor, reach: Reach, ref: ScopeRef): Promise<boolean> {
  if (reach === 'all') return true;
  if (ref.scope !== 'agent') return false;
  const facts = await agentFacts(db, ref.scope_id);
  return facts !== undefined && reaches(reach, facts);
}

/** To be looked at. One beyond the caller's reach is not there. @throws {OpmasError} OPMAS_NOT_FOUND */
export async function readDraft(db: Executor, reach: Reach, id: string): Promise<store.DraftRow> {
  const draft = await store.draftById(db, id);
  if (draft !== undefined && (await reachesScope(db, reach, draft))) return draft;
  throw noDraft(id);
}

/**
 * To be written. Who comes too late is told what has become of it, if it was within his reach.
 * @throws {OpmasError} OPMAS_NOT_FOUND, OPMAS_CONFLICT when it is no more
 */
async function reached(
  db: Executor,
  reach: Reach,
  id: string,
  draft: store.DraftRow | undefined,
): Promise<store.DraftRow> {
  if (draft !== undefined && (await reachesScope(db, reach, draft))) return draft;
  // Asked for by a statement of its own: it sees what whoever held the draft has committed.
  const end = draft === undefined ? await draftEnd(db, id) : undefined;
  throw end !== undefined && (await reachesScope(db, reach, end)) ? hasEnded(end) : noDraft(id);
}

/**
 * The draft as it is before anything is held.
 * @param seen the version of the draft that its writer saw, if it has to be that
 * @throws {OpmasError} OPMAS_NOT_FOUND, OPMAS_CONFLICT when it is no more, OPMAS_VERSION_CONFLICT
 */
export async function findDraft(
  db: Executor,
  reach: Reach,
  id: string,
  seen: number | undefined,
): Promise<store.DraftRow> {
  const draft = await reached(db, reach, id, await store.draftById(db, id));
  return requireVersion(draft, seen);
}

/**
 * The draft, locked, if it is still the one its writer saw.
 * @throws {OpmasError} OPMAS_NOT_FOUND, OPMAS_VERSION_CONFLICT, OPMAS_CONFLICT when it is no more, or while a
 * job rolls it out
 */
export async function holdDraft(
  db: Executor,
  reach: Reach,
  id: string,
  seen: number | undefined,
): Promise<store.DraftRow> {
  const draft = await reached(db, reach, id, await store.lockDraft(db, id));
  if (draft.job_id !== null) throw rolledOut(draft, draft.job_id);
  return requireVersion(draft, seen);
}

function requireVersion(draft: store.DraftRow, seen: number | undefined): store.DraftRow {
  if (seen === undefined || seen === draft.version) return draft;
  throw new OpmasError(
    'OPMAS_VERSION_CONFLICT',
    `The draft is at version ${draft.version}, changed by ${draft.updated_by}, not ${seen}; read it again`,
  );
}

/**
 * JSON pointers of the secrets that the layer does not have now: masked they look like the old ones. A draft
 * that came back from a rollout does not own its secrets any more, so they are told by what is in force.
 */
export function newSecrets(inForce: ConfigLayer, draft: ConfigLayer): string[] {
  const known = new Set(storedSecrets(inForce).map(({ id }) => id));
  return storedSecrets(draft).flatMap(({ id, path }) => (known.has(id) ? [] : [path]));
}

/** The layer at a version; 0 is the empty one before the first. @throws {OpmasError} OPMAS_NOT_FOUND */
export async function layerAt(db: Executor, ref: ScopeRef, version: number): Promise<ConfigLayer> {
  if (version === 0) return {};
  const found = await versionOf(db, ref, version);
  if (found !== undefined) return found.document;
  throw new OpmasError(
    'OPMAS_NOT_FOUND',
    `There is no version ${version} of ${describeScope(ref)}`,
  );
}

export async function headVersion(db: Executor, ref: ScopeRef): Promise<number> {
  return (await headOf(db, ref))?.version ?? 0;
}

/** The (updated_at, id) that a cursor of the list names. @throws {OpmasError} OPMAS_INVALID_REQUEST */
export function placeAfter(cursor: string | undefined): [string, string] | undefined {
  if (cursor === undefined) return undefined;
  const [at = '', id = ''] = decodeCursor(cursor, 2);
  if (!Number.isNaN(Date.parse(at)) && /^[0-9a-f-]{36}$/.test(id)) return [at, id];
  throw badCursor();
}
