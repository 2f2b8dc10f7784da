/** What is said of drafts: to who lists them, to who looks at one before it is published. */
import type { Validation } from './config.ts';
import type { DraftRow, ListedDraft } from './drafts.store.ts';
import { configLimits } from './limits.ts';
import type { Conflict } from './rebase.ts';
import type { DraftScope } from './scopes.ts';
import { maskStored } from './secret-values.ts';

/** A draft as it is listed. */
export interface DraftSummary {
  draft_id: string;
  scope: DraftScope;
  /** Of the environment or group, or the agent's id; null for the fleet. */
  name: string | null;
  /** Of the draft itself; give it back as If-Match. */
  version: number;
  /** The version of the layer that it changes, and the one in force. */
  base_version: number;
  head_version: number;
  /** The layer has gone on without it: it has to be rebased before it can be published. */
  moved: boolean;
  /** The job that rolls it out: until that has ended nobody else changes it. */
  job_id: string | null;
  /** The job that rolled it out and went back, and why; until it says something else. */
  returned: { job_id: string; reason: string } | null;
  author: string;
  updated_by: string;
  reason: string | null;
  created_at: string;
  updated_at: string;
  /** When it goes by itself if nobody changes it. */
  expires_at: string;
}

export interface DraftAnswer extends DraftSummary {
  /** Secrets masked. */
  config: Record<string, unknown>;
}

/** With what publishing it would do; of one whose layer moved: once it is rebased, its own side winning. */
export interface DraftDetail extends DraftAnswer, Omit<Validation, 'version'> {
  /** Keys that draft and layer both changed since the base. */
  conflicts: Conflict[];
}

export function draftSummary(row: ListedDraft): DraftSummary {
  const { scope_id, created_at, updated_at, draft_id, scope, version, base_version } = row;
  const { head_version, author, updated_by, reason, job_id, returned_by, returned_reason } = row;
  return {
    draft_id,
    scope,
    name: scope === 'fleet' ? null : scope_id,
    version,
    base_version,
    head_version,
    // What went on under a rollout is the draft itself.
    moved: job_id === null && head_version !== base_version,
    job_id,
    returned:
      returned_by === null || returned_reason === null
        ? null
        : { job_id: returned_by, reason: returned_reason },
    author,
    updated_by,
    reason,
    created_at: created_at.toISOString(),
    updated_at: updated_at.toISOString(),
    expires_at: new Date(updated_at.getTime() + configLimits.draftMs).toISOString(),
  };
}

export function draftAnswer(row: DraftRow, headVersion: number): DraftAnswer {
  return {
    ...draftSummary({ ...row, head_version: headVersion }),
    config: maskStored(row.document),
  };
}
