/** Drafts of layers: prepared together, looked at before they hold, published as one version. */
import type { ConfigLayer } from '@opmas/protocol';
import type { Clock } from '../../kernel/clock.ts';
import type { Reach } from '../../kernel/grants.ts';
import type { Ids } from '../../kernel/ids.ts';
import { type Page, type PageRequest, pageLimit, toPage } from '../../kernel/paging.ts';
import type { Executor, Vault } from '../../platform/ports.ts';
import type { ConfigChange } from './config.ts';
import { keepSecrets } from './config-secrets.ts';
import { headOf } from './configs.store.ts';
import { diffStored } from './diff.ts';
import { mergeDocuments } from './documents.ts';
import {
  findDraft,
  headVersion,
  holdDraft,
  layerAt,
  newSecrets,
  placeAfter,
  readDraft,
  requireReach,
} from './draft-access.ts';
import { type DraftFate, endDraft, endDraftsOf, forgetEnds } from './draft-ends.store.ts';
import { disagreement, mustRebase, tooMany } from './drafts.errors.ts';
import * as store from './drafts.store.ts';
import {
  type DraftAnswer,
  type DraftDetail,
  type DraftSummary,
  draftAnswer,
  draftSummary,
} from './drafts.ts';
import { configLimits } from './limits.ts';
import { previewStored } from './preview.ts';
import type { Publisher } from './publisher.ts';
import { type Conflict, rebaseDocument } from './rebase.ts';
import type { DraftRef, DraftScope, ScopeRef } from './scopes.ts';
import { maskStored, storedSecrets } from './secret-values.ts';
import type { LoadStacks } from './stacks.ts';

/** Who ends drafts that nobody ended. */
const AUTHOR = 'system';

/** A draft before and after a write, for the answer and the audit; secrets are masked. */
export interface DraftWritten {
  draft: DraftAnswer;
  before: Record<string, unknown>;
  after: Record<string, unknown>;
  /** JSON pointers of secrets that were given anew. */
  secretsSet: readonly string[];
}

export type DraftsService = ReturnType<typeof createDrafts>;

export function createDrafts(options: {
  publisher: Publisher;
  load: LoadStacks;
  vault: Vault;
  clock: Clock;
  ids: Ids;
}) {
  const { publisher, vault, clock, ids } = options;

  const tooOld = () => new Date(clock.now() - configLimits.draftMs);

  /** Writes the locked draft anew; secrets that it no longer names go. */
  async function write(
    db: Executor,
    draft: store.DraftRow,
    change: Partial<store.DraftChange> & { updated_by: string },
    secretsSet: readonly string[] = [],
  ): Promise<DraftWritten> {
    const { document, base_version, reason, returned_by, returned_reason } = draft;
    const set: store.DraftChange = {
      document,
      base_version,
      reason,
      returned_by,
      returned_reason,
      ...change,
      version: draft.version + 1,
      updated_at: new Date(clock.now()),
    };
    await store.updateDraft(db, draft.draft_id, set);
    const named = storedSecrets(set.document).map(({ id }) => id);
    await store.dropUnnamedSecrets(db, draft.draft_id, named);
    return {
      draft: draftAnswer({ ...draft, ...set }, await headVersion(db, draft)),
      before: maskStored(document),
      after: maskStored(set.document),
      secretsSet,
    };
  }

  const endOf = (fate: DraftFate, by: string, version: number | null = null) => ({
    fate,
    version,
    job_id: null,
    ended_by: by,
    ended_at: new Date(clock.now()),
  });

  async function refuseTooMany(db: Executor, ref: ScopeRef): Promise<void> {
    const { all, ofScope } = await store.lockCount(db, ref);
    const { drafts, draftsOfScope } = configLimits;
    if (ofScope >= draftsOfScope) throw tooMany(draftsOfScope, ref);
    if (all >= drafts) throw tooMany(drafts);
  }

  return {
    /**
     * A draft of a layer, by default on the version in force. It need not be valid for its agents yet.
     * @throws {OpmasError} OPMAS_INVALID_CONFIGURATION for what no layer may hold, OPMAS_FORBIDDEN,
     * OPMAS_AGENT_NOT_FOUND, OPMAS_NOT_FOUND, OPMAS_CONFLICT when there are too many
     */
    async create(
      db: Executor,
      reach: Reach,
      ref: DraftRef,
      input: {
        document: ConfigLayer;
        baseVersion?: number | undefined;
        reason?: string | undefined;
        author: string;
      },
    ): Promise<DraftWritten> {
      await requireReach(db, reach, ref);
      await publisher.requireScope(db, ref);
      await refuseTooMany(db, ref);
      const head = await headVersion(db, ref);
      const base = input.baseVersion ?? head;
      const current = await layerAt(db, ref, base);
      const { stored, fresh } = publisher.accept(ref, input.document, current);
      const at = new Date(clock.now());
      const row: store.DraftRow = {
        draft_id: ids.uuid(),
        scope: ref.scope,
        scope_id: ref.scope_id,
        document: stored,
        base_version: base,
        version: 1,
        reason: input.reason ?? null,
        author: input.author,
        updated_by: input.author,
        created_at: at,
        updated_at: at,
        job_id: null,
        returned_by: null,
        returned_reason: null,
      };
      await store.insertDraft(db, row);
      await keepSecrets(db, vault, ref, fresh, at, row.draft_id);
      return {
        draft: draftAnswer(row, head),
        before: maskStored(current),
        after: maskStored(stored),
        secretsSet: fresh.map(({ path }) => path),
      };
    },

    /** Those whose layers the caller may read, changed last first. */
    async list(
      db: Executor,
      query: PageRequest & { scope?: DraftScope; name?: string },
      reach: Reach,
    ): Promise<Page<DraftSummary>> {
      const limit = pageLimit(query);
      const filter = { reach, scope: query.scope, scope_id: query.name };
      const rows = await store.listDrafts(db, filter, limit + 1, placeAfter(query.cursor));
      return toPage(rows, limit, draftSummary, (row) => [
        row.updated_at.toISOString(),
        row.draft_id,
      ]);
    },

    /** With what publishing it would do. @throws {OpmasError} OPMAS_NOT_FOUND */
    async get(db: Executor, reach: Reach, id: string): Promise<DraftDetail> {
      const draft = await readDraft(db, reach, id);
      await publisher.requireScope(db, draft);
      const base = await layerAt(db, draft, draft.base_version);
      let conflicts: Conflict[] = [];
      const { version, ...preview } = await previewStored(
        db,
        draft,
        async (head) => {
          const rebased = rebaseDocument(base, draft.document, head, 'draft');
          conflicts = rebased.conflicts;
          await publisher.refuseBadRules(rebased.document);
          return { stored: rebased.document, fresh: [] };
        },
        { ...publisher, load: options.load },
      );
      return {
        ...draftAnswer(draft, version),
        ...preview,
        // Under a rollout it is in force itself: what it changes is what it changed.
        ...(draft.job_id === null ? {} : { diff: diffStored(base, draft.document) }),
        conflicts: conflicts.slice(0, configLimits.diffEntries),
      };
    },

    /**
     * Replaces what the draft says; it stays on its base. A masked secret is kept, the draft's or the layer's.
     * @throws {OpmasError} OPMAS_NOT_FOUND, OPMAS_CONFLICT, OPMAS_VERSION_CONFLICT, OPMAS_INVALID_CONFIGURATION
     */
    async update(
      db: Executor,
      reach: Reach,
      id: string,
      input: {
        document: ConfigLayer;
        reason?: string | undefined;
        ifMatch?: number | undefined;
        author: string;
      },
    ): Promise<DraftWritten> {
      const draft = await holdDraft(db, reach, id, input.ifMatch);
      const base = await layerAt(db, draft, draft.base_version);
      const current = mergeDocuments(base, draft.document);
      const { stored, fresh } = publisher.accept(draft, input.document, current);
      await keepSecrets(db, vault, draft, fresh, new Date(clock.now()), id);
      return write(
        db,
        draft,
        {
          document: stored,
          updated_by: input.author,
          // What went wrong was said of another text.
          returned_by: null,
          returned_reason: null,
          ...(input.reason === undefined ? {} : { reason: input.reason }),
        },
        fresh.map(({ path }) => path),
      );
    },

    /**
     * Puts the draft's changes on the version in force. Without `prefer` a key that both changed stops it.
     * @throws {OpmasError} OPMAS_NOT_FOUND, OPMAS_VERSION_CONFLICT, OPMAS_CONFLICT with the keys
     */
    async rebase(
      db: Executor,
      reach: Reach,
      id: string,
      input: {
        prefer?: 'draft' | 'head' | undefined;
        ifMatch?: number | undefined;
        author: string;
      },
    ): Promise<DraftWritten & { resolved: Conflict[] }> {
      const draft = await holdDraft(db, reach, id, input.ifMatch);
      await publisher.requireScope(db, draft);
      const head = await headOf(db, draft);
      const { document, conflicts } = rebaseDocument(
        await layerAt(db, draft, draft.base_version),
        draft.document,
        head?.document ?? {},
        input.prefer ?? 'draft',
      );
      if (input.prefer === undefined && conflicts.length > 0) throw disagreement(conflicts);
      const change = { document, base_version: head?.version ?? 0, updated_by: input.author };
      const written = await write(db, draft, change);
      return { ...written, resolved: conflicts.slice(0, configLimits.diffEntries) };
    },

    /** @throws {OpmasError} OPMAS_NOT_FOUND, OPMAS_CONFLICT when somebody was quicker */
    async discard(db: Executor, reach: Reach, id: string, by: string): Promise<store.DraftRow> {
      const draft = await holdDraft(db, reach, id, undefined);
      await endDraft(db, id, endOf('discarded', by));
      return { ...draft, document: maskStored(draft.document) };
    },

    /**
     * Puts the draft in force as the next version of its layer; it is gone then.
     * @throws {OpmasError} as a write of the layer; OPMAS_VERSION_CONFLICT when the layer or the draft went on,
     * OPMAS_CONFLICT when somebody was quicker
     */
    async publish(
      db: Executor,
      reach: Reach,
      id: string,
      input: { version?: number | undefined; reason?: string | undefined; author: string },
    ): Promise<{ change: ConfigChange; draft: store.DraftRow }> {
      const seen = await findDraft(db, reach, id, input.version);
      // Before anything is held: it may take a while.
      await publisher.refuseBadRules(seen.document);
      const { scope, scope_id } = seen;
      const ref = { scope, scope_id };
      const version = await publisher.lock(db, ref, undefined);
      const draft = await holdDraft(db, reach, id, seen.version);
      if (draft.base_version !== version) throw mustRebase(draft, version);
      const { reason = draft.reason ?? undefined, author } = input;
      const secretsSet = newSecrets(await layerAt(db, ref, version), draft.document);
      const content = { stored: draft.document, fresh: [] };
      const change = await publisher.publish(db, ref, version, content, { reason, author });
      await store.handSecretsOver(db, id);
      await endDraft(db, id, endOf('published', author, change.layer.version));
      return { change: { ...change, secretsSet }, draft };
    },

    /** Drafts that nobody has changed for long. */
    old: (db: Executor): Promise<string[]> => store.oldDrafts(db, tooOld(), configLimits.expiries),

    /** Takes the draft away if nobody has changed it for long. */
    async expire(db: Executor, id: string): Promise<store.DraftRow | undefined> {
      const draft = await store.lockDraft(db, id);
      if (draft === undefined || draft.job_id !== null) return undefined;
      if (draft.updated_at >= tooOld()) return undefined;
      await endDraft(db, id, endOf('expired', AUTHOR));
      return { ...draft, document: maskStored(draft.document) };
    },

    /** What has become of drafts is not told any more after as long as one is kept. */
    forget: (db: Executor): Promise<void> => forgetEnds(db, tooOld()),

    /** The scope is no more. */
    dropOf: (db: Executor, ref: ScopeRef): Promise<void> =>
      endDraftsOf(db, ref, endOf('dropped', AUTHOR)),
  };
}
