/** New jobs: who is in them, when it is whose turn, and, of rollouts, the version nobody sees yet. */
import { type Job, matchesSelector } from '@opmas/protocol';
import type { Clock } from '../../kernel/clock.ts';
import { OpmasError } from '../../kernel/errors.ts';
import type { Ids } from '../../kernel/ids.ts';
import type { Call } from '../../operation.ts';
import type { Executor } from '../../platform/ports.ts';
import { type ConfigsService, labelOf, parseSelector } from '../configs/index.ts';
import { announceJob } from './announce.ts';
import type { JobRow } from './job.ts';
import * as jobAgents from './job-agents.store.ts';
import * as store from './jobs.store.ts';
import { jobLimits } from './limits.ts';
import { permissionOf, permitAction, permitRollout, seesAll } from './permits.ts';
import type { JobBody } from './schemas.ts';
import { type WantedAction, type WantedRollout, wantedOf } from './wanted.ts';
import { inOrder, planWaves, refuseTooMany } from './waves.ts';

/** Of a way back to an old version: which. */
const restored = ({ what }: WantedRollout): { restored?: number } =>
  'content' in what && 'version' in what.content ? { restored: what.content.version } : {};

export type Creation = ReturnType<typeof createCreation>;

export function createCreation(options: { configs: ConfigsService; clock: Clock; ids: Ids }) {
  const { configs, clock, ids } = options;

  function newRow(wanted: WantedRollout | WantedAction, call: Call, more: Partial<JobRow>): JobRow {
    const now = clock.now();
    const { kind, id, name } = call.caller;
    return {
      job_id: ids.uuid(),
      kind: wanted.kind,
      state: 'pending',
      reason: 'Waits for its first wave',
      purpose: wanted.purpose,
      scope: null,
      scope_id: null,
      from_version: null,
      to_version: null,
      back_version: null,
      action: null,
      arguments: null,
      selector: null,
      plan: wanted.plan,
      wave: null,
      deadline: new Date(now + wanted.plan.deadline_seconds * 1_000),
      ends_as: null,
      ends_reason: null,
      created_by: { kind, id, name },
      retry_of: null,
      draft_id: null,
      created_at: new Date(now),
      started_at: null,
      paused_at: null,
      ended_at: null,
      ...more,
    };
  }

  async function refuseTooManyJobs(db: Executor): Promise<void> {
    await store.lockCreation(db);
    if ((await store.countOpen(db)) < jobLimits.open) return;
    throw new OpmasError(
      'OPMAS_CONFLICT',
      `${jobLimits.open} jobs are under way; wait for one to end, or cancel one (opmas jobs ls)`,
    );
  }

  /** Stores the job, its waves and its agents. */
  async function keep(
    db: Executor,
    row: JobRow,
    agentIds: readonly string[],
    sizes: readonly string[],
  ): Promise<Job> {
    const order = inOrder(await jobAgents.candidates(db, agentIds));
    const waves = planWaves(order.length, sizes);
    await store.insertJob(db, row);
    await store.insertWaves(
      db,
      row.job_id,
      waves.map(({ size }) => size),
    );
    const waveAt = (place: number) => waves.findIndex(({ upTo }) => place < upTo) + 1;
    await jobAgents.insertAgents(
      db,
      row.job_id,
      order.map(({ id }, place) => ({ agent_id: id, wave: waveAt(place), place })),
    );
    return announceJob(db, row.job_id);
  }

  /** The new version, that nobody sees yet: of what came with the request, or of a draft. */
  async function staged(
    { what, purpose }: WantedRollout,
    holder: string,
    { db, caller }: Call,
    ifMatch: number | undefined,
  ) {
    const write = { holder, author: caller.name, reason: purpose ?? undefined, ifMatch };
    if ('draft' in what) {
      const { id, version } = what.draft;
      // Who may roll out reaches all there is.
      const taken = await configs.drafts.takeOver(db, 'all', id, { ...write, version });
      return { ...taken, purpose: taken.reason };
    }
    const { ref, content } = what;
    const done = await configs.staging.stage(db, ref, { ...write, content });
    return { ...done, ref, purpose, draft: undefined };
  }

  async function rollout(
    wanted: WantedRollout,
    call: Call,
    ifMatch: number | undefined,
  ): Promise<Job> {
    const { db } = call;
    permitRollout(call);
    const row = newRow(wanted, call, {});
    const { change, from, ref, purpose, draft } = await staged(wanted, row.job_id, call, ifMatch);
    await refuseTooManyJobs(db);
    const agents = await configs.affected(db, ref);
    if (agents.length === 0) {
      throw new OpmasError(
        'OPMAS_INVALID_REQUEST',
        `${labelOf(ref)} reaches no agent: there is nobody to roll out to. ${draft === undefined ? 'Write the layer itself (PUT)' : 'Publish the draft itself'}`,
        {
          errors: [
            {
              path: draft === undefined ? 'scope' : 'draft_id',
              message: 'reaches no agent',
            },
          ],
        },
      );
    }
    refuseTooMany(agents.length);
    const { version } = change.layer;
    const job = await keep(
      db,
      {
        ...row,
        purpose,
        scope: ref.scope as 'fleet' | 'group',
        scope_id: ref.scope_id,
        from_version: from,
        to_version: version,
        draft_id: draft?.draft_id ?? null,
      },
      agents.map(({ id }) => id),
      wanted.sizes,
    );
    call.audit({
      object: job.job_id,
      details: {
        kind: job.kind,
        scope: job.scope,
        from,
        version,
        agents: job.agents,
        waves: job.waves.length,
        reason: purpose,
        ...restored(wanted),
        ...(draft === undefined
          ? {}
          : { draft_id: draft.draft_id, draft_version: draft.version, draft_author: draft.author }),
        ...(change.secretsSet.length === 0 ? {} : { newly_set: change.secretsSet }),
      },
      before: change.before,
      after: change.after,
    });
    return job;
  }

  /** @throws {OpmasError} OPMAS_AGENT_NOT_FOUND, OPMAS_FORBIDDEN, OPMAS_INVALID_REQUEST */
  async function agentsOf(wanted: WantedAction, call: Call): Promise<string[]> {
    const { db } = call;
    const permission = permissionOf(wanted);
    if ('selector' in wanted.agents) {
      const selector = parseSelector(wanted.agents.selector);
      const chosen = (await jobAgents.selectable(db)).filter((each) =>
        matchesSelector(selector, each),
      );
      permitAction(call, permission, chosen);
      if (chosen.length === 0) {
        throw new OpmasError('OPMAS_INVALID_REQUEST', 'The selector chooses no agent', {
          errors: [{ path: 'selector', message: 'chooses no agent' }],
        });
      }
      return chosen.map(({ id }) => id);
    }
    const asked = wanted.agents.ids;
    const found = await jobAgents.candidates(db, asked);
    const known = new Set(found.map(({ id }) => id));
    const unknown = asked.find((id) => !known.has(id));
    // Who reaches some agents only does not learn which others there are.
    if (unknown === undefined || !seesAll(call, permission)) {
      const nobody = unknown === undefined ? [] : [{ id: unknown, type: '', tags: [] }];
      permitAction(call, permission, [...found, ...nobody]);
    }
    if (unknown !== undefined) {
      throw new OpmasError('OPMAS_AGENT_NOT_FOUND', `No agent ${unknown}`, {
        errors: [
          { path: `agent_ids[${asked.indexOf(unknown)}]`, message: 'is the id of no agent' },
        ],
      });
    }
    return [...asked];
  }

  async function action(
    wanted: WantedAction,
    call: Call,
    retryOf: string | null = null,
  ): Promise<Job> {
    const { db } = call;
    await refuseTooManyJobs(db);
    const agentIds = await agentsOf(wanted, call);
    refuseTooMany(agentIds.length);
    const row = newRow(wanted, call, {
      action: wanted.action,
      arguments: wanted.arguments,
      selector: 'selector' in wanted.agents ? wanted.agents.selector : null,
      retry_of: retryOf,
    });
    const job = await keep(db, row, agentIds, wanted.sizes);
    call.audit({
      object: job.job_id,
      details: {
        kind: job.kind,
        action: job.action,
        arguments: { ...wanted.arguments },
        agents: job.agents,
        waves: job.waves.length,
        reason: wanted.purpose,
        ...(job.selector === null ? {} : { selector: job.selector }),
        ...(retryOf === null ? {} : { retry_of: retryOf }),
      },
    });
    return job;
  }

  return {
    action,

    /** @throws {OpmasError} what is wrong with the request, with the agents, or with the layer */
    async create(body: JobBody, call: Call, ifMatch: number | undefined): Promise<Job> {
      const wanted = wantedOf(body);
      if (wanted.kind !== 'action') return rollout(wanted, call, ifMatch);
      if (ifMatch !== undefined) {
        throw new OpmasError('OPMAS_INVALID_REQUEST', 'If-Match goes with a layer, not an action');
      }
      return action(wanted, call);
    },
  };
}
