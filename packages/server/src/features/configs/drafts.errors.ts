/** Why a draft cannot go on: it is behind, it disagrees with its layer, there are too many. */
import { OpmasError } from '../../kernel/errors.ts';
import type { DraftEnd } from './draft-ends.store.ts';
import type { DraftRow } from './drafts.store.ts';
import { configLimits } from './limits.ts';
import type { Conflict } from './rebase.ts';
import { describeScope, type ScopeRef } from './scopes.ts';

/** Of what a value is said to be in an error. */
const TOLD_CHARS = 200;

export function tooMany(limit: number, ref?: ScopeRef): OpmasError {
  const what = ref === undefined ? `${limit} drafts` : `${limit} drafts of ${describeScope(ref)}`;
  return new OpmasError('OPMAS_CONFLICT', `There can be ${what}: publish or discard some first`);
}

export function mustRebase(draft: DraftRow, version: number): OpmasError {
  return new OpmasError(
    'OPMAS_VERSION_CONFLICT',
    `The draft changes version ${draft.base_version} of ${describeScope(draft)}, and version ${version} is in force by now: rebase it, look at it again, and publish it then (POST /drafts/${draft.draft_id}/rebase, opmas config draft rebase)`,
  );
}

export function rolledOut({ draft_id }: Pick<DraftRow, 'draft_id'>, jobId: string): OpmasError {
  return new OpmasError(
    'OPMAS_CONFLICT',
    `Job ${jobId} rolls out the draft ${draft_id}: wait for its end, or cancel it (opmas jobs cancel ${jobId})`,
    { jobId },
  );
}

export function noDraft(id: string): OpmasError {
  return new OpmasError('OPMAS_NOT_FOUND', `There is no draft ${id}: published, or discarded`);
}

/** Somebody was quicker. */
export function hasEnded(end: DraftEnd): OpmasError {
  const { job_id } = end;
  return new OpmasError(
    'OPMAS_CONFLICT',
    `The draft ${end.draft_id} is no more: ${became(end)} (${end.ended_at.toISOString()})`,
    job_id === null ? {} : { jobId: job_id },
  );
}

function became({ fate, version, job_id, ended_by, ...ref }: DraftEnd): string {
  switch (fate) {
    case 'published':
      return `${ended_by} published it as version ${version} of ${describeScope(ref)}`;
    case 'rolled_out':
      return `job ${job_id} rolled it out as version ${version} of ${describeScope(ref)}`;
    case 'discarded':
      return `${ended_by} discarded it`;
    case 'expired':
      return 'nobody had changed it for long';
    case 'dropped':
      return `it went with ${describeScope(ref)}`;
  }
}

export function disagreement(conflicts: readonly Conflict[]): OpmasError {
  const told = conflicts.slice(0, configLimits.refusedAgents);
  const names = told.slice(0, 3).map(({ path }) => path);
  const more =
    conflicts.length > names.length ? ` and ${conflicts.length - names.length} more` : '';
  return new OpmasError(
    'OPMAS_CONFLICT',
    `The draft and the layer both changed ${names.join(', ')}${more}: say which shall hold (prefer: draft or head)`,
    {
      errors: told.map(({ path, draft, head }) => ({
        path,
        message: `${text(draft)} in the draft, ${text(head)} in the layer`,
      })),
    },
  );
}

function text(value: unknown): string {
  return value === undefined ? 'not set' : JSON.stringify(value).slice(0, TOLD_CHARS);
}
