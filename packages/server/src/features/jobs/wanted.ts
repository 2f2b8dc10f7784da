/** A request for a job, with what goes together, and defaults. Pure. */
import type { ConfigLayer, Fault, JobAction, JobKind } from '@opmas/protocol';
import { OpmasError } from '../../kernel/errors.ts';
import { FLEET, groupScope, type ScopeRef, type StagedContent } from '../configs/index.ts';
import type { ActionArguments, Plan } from './job.ts';
import { jobLimits } from './limits.ts';
import type { JobBody } from './schemas.ts';
import { DEFAULT_WAVES } from './waves.ts';

export interface WantedRollout {
  kind: 'rollout' | 'rollback';
  what: { ref: ScopeRef; content: StagedContent } | { draft: WantedDraft };
  purpose: string | null;
  sizes: readonly string[];
  plan: Plan;
}

export interface WantedDraft {
  id: string;
  /** Of the draft, as it was looked at. */
  version: number | undefined;
}

export interface WantedAction {
  kind: 'action';
  action: JobAction;
  arguments: ActionArguments;
  /** Given one by one, or chosen by a selector. */
  agents: { ids: readonly string[] } | { selector: string };
  purpose: string | null;
  sizes: readonly string[];
  plan: Plan;
}

/** Fields that go with each kind, beside those that go with every one. */
const FIELDS: Readonly<Record<JobKind, readonly (keyof JobBody)[]>> = {
  rollout: ['scope', 'document', 'draft_id', 'draft_version'],
  rollback: ['scope', 'version'],
  action: ['action', 'arguments', 'agent_ids', 'selector'],
};
const KIND_FIELDS = new Set(Object.values(FIELDS).flat());

/** Watching these says nothing: nothing can fail by them later. */
const UNWATCHED: readonly JobAction[] = ['stop', 'tags', 'log-level'];

/** @throws {OpmasError} OPMAS_INVALID_REQUEST with every fault by path */
export function wantedOf(body: JobBody): WantedRollout | WantedAction {
  const faults: Fault[] = [];
  const fail = (path: string, message: string) => void faults.push({ path, message });
  for (const field of Object.keys(body) as (keyof JobBody)[]) {
    if (KIND_FIELDS.has(field) && !FIELDS[body.kind].includes(field)) {
      fail(field, `does not go with kind ${body.kind}`);
    }
  }
  const { on_failure: onFailure } = body;
  if (body.kind === 'action' && onFailure === 'rollback') {
    fail('on_failure', 'must be stop or pause: an action cannot be taken back');
  }
  if (body.kind !== 'action' && onFailure === 'stop') {
    fail('on_failure', 'must be rollback or pause: agents do not stay between two versions');
  }
  const wanted = body.kind === 'action' ? actionOf(body, fail) : rolloutOf(body, fail);
  const [first] = faults;
  if (first !== undefined || wanted === undefined) {
    throw new OpmasError('OPMAS_INVALID_REQUEST', `${first?.path}: ${first?.message}`, {
      errors: faults,
    });
  }
  return wanted;
}

type Fail = (path: string, message: string) => void;

function rolloutOf(body: JobBody, fail: Fail): WantedRollout | undefined {
  const kind = body.kind === 'rollback' ? 'rollback' : 'rollout';
  const what =
    kind === 'rollout' && body.draft_id !== undefined
      ? draftOf(body, body.draft_id, fail)
      : layerOf(body, fail);
  return what && { kind, what, ...common(body, jobLimits.settleSeconds.default) };
}

function draftOf(body: JobBody, id: string, fail: Fail): WantedRollout['what'] {
  for (const field of ['scope', 'document'] as const) {
    if (body[field] !== undefined) fail(field, 'is what the draft says: leave it out');
  }
  return { draft: { id, version: body.draft_version } };
}

function layerOf(body: JobBody, fail: Fail): WantedRollout['what'] | undefined {
  if (body.kind === 'rollout' && body.draft_version !== undefined) {
    fail('draft_version', 'goes with draft_id');
  }
  const ref = scopeRef(body.scope, fail);
  const content = contentOf(body, fail);
  return ref === undefined || content === undefined ? undefined : { ref, content };
}

function contentOf({ kind, document, version }: JobBody, fail: Fail): StagedContent | undefined {
  if (kind === 'rollback') {
    if (version !== undefined) return { version };
    fail('version', 'is missing: the version to go back to; 0 is the empty layer');
  } else if (document !== undefined) return { document: document as ConfigLayer };
  else fail('document', 'is missing: the whole new layer, as PUT of it takes it; or draft_id');
  return undefined;
}

function scopeRef(scope: string | undefined, fail: Fail): ScopeRef | undefined {
  if (scope === 'fleet') return FLEET;
  const [, group] = /^group:([A-Za-z0-9][A-Za-z0-9_-]{0,63})$/.exec(scope ?? '') ?? [];
  if (group !== undefined) return groupScope(group);
  fail(
    'scope',
    scope === undefined
      ? 'is missing: fleet, or group:<name>'
      : 'must be fleet or group:<name>; for one agent there are no waves: PUT its configuration',
  );
  return undefined;
}

function actionOf(body: JobBody, fail: Fail): WantedAction | undefined {
  const { action, agent_ids: ids, selector } = body;
  const given = body.arguments ?? {};
  if (action === undefined) fail('action', 'is missing');
  if ((ids === undefined) === (selector === undefined)) {
    fail('agent_ids', 'say which agents: agent_ids or selector, one of them');
  }
  const takes: readonly string[] =
    action === 'log-level' ? ['level', 'expires_in'] : action === 'tags' ? ['add', 'remove'] : [];
  for (const name of Object.keys(given)) {
    if (!takes.includes(name)) fail(`arguments.${name}`, `does not go with ${action ?? 'this'}`);
  }
  if (action === 'log-level' && given.level === undefined) {
    fail('arguments.level', 'is missing');
  }
  if (action === 'tags' && given.add === undefined && given.remove === undefined) {
    fail('arguments.add', 'say which tags: add, remove, or both');
  }
  const both = given.add?.find((tag) => given.remove?.includes(tag) === true);
  if (both !== undefined) fail('arguments.remove', `${JSON.stringify(both)} is added, too`);
  if (action === undefined) return undefined;
  const settle = UNWATCHED.includes(action) ? 0 : jobLimits.settleSeconds.default;
  return {
    kind: 'action',
    action,
    arguments: given,
    agents: selector === undefined ? { ids: ids ?? [] } : { selector },
    ...common(body, settle),
  };
}

function common(body: JobBody, settle: number) {
  const { gates = {} } = body;
  return {
    purpose: body.reason === undefined || body.reason === '' ? null : body.reason,
    sizes: body.waves ?? DEFAULT_WAVES,
    plan: {
      gates: {
        max_failures: gates.max_failures ?? 0,
        max_error_rate: gates.max_error_rate ?? null,
        max_findings_change: gates.max_findings_change ?? null,
        settle_seconds: gates.settle_seconds ?? settle,
      },
      on_failure: body.on_failure ?? (body.kind === 'action' ? 'stop' : 'rollback'),
      pause_between: body.pause_between ?? false,
      deadline_seconds: body.deadline_seconds ?? jobLimits.deadlineSeconds.default,
    } satisfies Plan,
  };
}
