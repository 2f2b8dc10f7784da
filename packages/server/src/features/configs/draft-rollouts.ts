/**
 * Drafts that go in force in waves: a job takes one over together with its layer, and nobody else changes it
 * until the job has ended. Then it is published for good, or everybody's again.
 */
import type { Clock } from '../../kernel/clock.ts';
import { OpmasError } from '../../kernel/errors.ts';
import type { Reach } from '../../kernel/grants.ts';
import type { Executor } from '../../platform/ports.ts';
import { findDraft, holdDraft, layerAt, newSecrets } from './draft-access.ts';
import { endDraft } from './draft-ends.store.ts';
import { mustRebase, rolledOut } from './drafts.errors.ts';
import * as store from './drafts.store.ts';
import type { Publisher } from './publisher.ts';
import { describeScope, type ScopeRef } from './scopes.ts';
import type { createStaging, Staged } from './staging.ts';

/** Who changes drafts that nobody changed. */
const AUTHOR = 'system';

export interface TakenOver extends Staged {
  ref: ScopeRef & { scope: 'fleet' | 'group' };
  draft: Pick<store.DraftRow, 'draft_id' | 'version' | 'author'>;
  /** As its job and the new version say it. */
  reason: string | null;
}

export interface Settled {
  draft_id: string;
  /** Its version stays in force, and the draft is gone; otherwise it may be changed and published again. */
  isPublished: boolean;
}

export function createDraftRollouts(options: {
  publisher: Pick<Publisher, 'refuseBadRules'>;
  staging: Pick<ReturnType<typeof createStaging>, 'stage'>;
  clock: Clock;
}) {
  const { publisher, staging, clock } = options;

  return {
    /**
     * Puts the draft in force as a version that nobody sees yet. Of two at once one is refused.
     * @throws {OpmasError} as publishing it; OPMAS_INVALID_REQUEST for a layer that has no waves;
     * OPMAS_CONFLICT with the job that holds the layer or the draft, or with what has become of the draft
     */
    async takeOver(
      db: Executor,
      reach: Reach,
      id: string,
      input: {
        /** The draft's version that was looked at. */
        version?: number | undefined;
        /** Of the layer. */
        ifMatch?: number | undefined;
        /** Instead of the draft's own. */
        reason?: string | undefined;
        author: string;
        holder: string;
      },
    ): Promise<TakenOver> {
      const seen = await findDraft(db, reach, id, input.version);
      const ref = inWaves(seen);
      if (seen.job_id !== null) throw rolledOut(seen, seen.job_id);
      // Before anything is held: it may take a while.
      await publisher.refuseBadRules(seen.document);
      const { holder, author, ifMatch, reason = seen.reason ?? undefined } = input;
      let secretsSet: string[] = [];
      const staged = await staging.stage(db, ref, {
        holder,
        author,
        reason,
        ifMatch,
        content: {
          take: async (version) => {
            const draft = await holdDraft(db, reach, id, seen.version);
            if (draft.base_version !== version) throw mustRebase(draft, version);
            secretsSet = newSecrets(await layerAt(db, ref, version), draft.document);
            return { stored: draft.document, fresh: [] };
          },
        },
      });
      // The version that names them stays in the history, whatever becomes of the draft.
      await store.handSecretsOver(db, id);
      await store.giveToJob(db, id, holder);
      const { draft_id, version, author: by } = seen;
      return {
        change: { ...staged.change, secretsSet },
        from: staged.from,
        ref,
        draft: { draft_id, version, author: by },
        reason: reason ?? null,
      };
    },

    /**
     * The job has ended. A draft whose version stays in force is gone; otherwise it is open again, on the
     * version that its layer went back to.
     * @param how.version that it was rolled out as
     * @param how.backVersion null: the job did not go back
     * @returns undefined when the job had none
     */
    async settle(
      db: Executor,
      jobId: string,
      how: { version: number | null; backVersion: number | null; reason: string },
    ): Promise<Settled | undefined> {
      const draft = await store.lockDraftOfJob(db, jobId);
      if (draft === undefined) return undefined;
      const { draft_id } = draft;
      if (how.backVersion === null) {
        await endDraft(db, draft_id, {
          fate: 'rolled_out',
          version: how.version,
          job_id: jobId,
          ended_by: AUTHOR,
          ended_at: new Date(clock.now()),
        });
        return { draft_id, isPublished: true };
      }
      await store.returnDraft(db, draft_id, {
        // It says what the version before said: the draft need not be rebased.
        base_version: how.backVersion,
        version: draft.version + 1,
        updated_by: AUTHOR,
        updated_at: new Date(clock.now()),
        returned_by: jobId,
        returned_reason: how.reason,
      });
      return { draft_id, isPublished: false };
    },
  };
}

/** @throws {OpmasError} OPMAS_INVALID_REQUEST for a layer that is not rolled out in waves */
function inWaves(draft: store.DraftRow): TakenOver['ref'] {
  const { scope, scope_id } = draft;
  if (scope === 'fleet' || scope === 'group') return { scope, scope_id };
  throw new OpmasError(
    'OPMAS_INVALID_REQUEST',
    `draft_id: is a draft of ${describeScope(draft)}, for which there are no waves: publish it (POST /drafts/${draft.draft_id}/publish)`,
    { errors: [{ path: 'draft_id', message: 'must be a draft of the fleet or of a group' }] },
  );
}
