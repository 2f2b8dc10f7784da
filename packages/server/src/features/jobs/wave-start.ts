/** The beginning of a wave: who is in it now, what each was like before, and that they get the change. */
import type { Executor } from '../../platform/ports.ts';
import type { ConfigsService, LetGo } from '../configs/index.ts';
import type { LoadFacts } from './facts.ts';
import { cut, type JobAgentRow, type JobRow, scopeOf } from './job.ts';
import * as jobAgents from './job-agents.store.ts';
import * as store from './jobs.store.ts';
import { beforeOf, type Facts, isExcused, isUp, NEXT_START } from './verdict.ts';

export interface Begun {
  /** Agents that are given the change now. */
  told: number;
}

export function createWaveStart(options: {
  configs: Pick<ConfigsService, 'staging' | 'affected'>;
  facts: LoadFacts;
}) {
  const { configs, facts: load } = options;

  /** Whoever joined the layer's agents since the job was made comes with the last wave. */
  async function takeInNewcomers(
    db: Executor,
    job: JobRow,
    wave: number,
    reached: ReadonlySet<string>,
  ): Promise<void> {
    const known = new Set(await jobAgents.agentIdsOf(db, job.job_id));
    const newcomers = [...reached].filter((id) => !known.has(id));
    await jobAgents.insertAgents(
      db,
      job.job_id,
      newcomers.map((agent_id, at) => ({ agent_id, wave, place: known.size + at })),
    );
  }

  /** Can its fate say whether the change is good? */
  const canShow = (facts: Facts | undefined): boolean =>
    facts !== undefined && isUp(facts) && !isExcused(beforeOf(facts));

  /**
   * A wave in which nobody can show anything proves nothing: the first of a later one that can comes with it.
   * @returns the agent whose turn was brought forward
   */
  async function bringForward(
    db: Executor,
    job: JobRow,
    wave: number,
    reached: ReadonlySet<string>,
  ): Promise<JobAgentRow | undefined> {
    const waiting = await jobAgents.agentsOf(db, job.job_id, { outcomes: ['pending'] });
    const later = waiting.filter((row) => row.wave > wave && reached.has(row.agent_id));
    const facts = await load(db, later);
    const chosen = later.find((row) => canShow(facts.get(row.agent_id)));
    if (chosen === undefined) return undefined;
    await jobAgents.moveToWave(db, job.job_id, chosen.agent_id, wave);
    return chosen;
  }

  async function letGo(
    db: Executor,
    job: JobRow,
    isLast: boolean,
    agentIds: readonly string[],
  ): Promise<LetGo> {
    const ref = scopeOf(job);
    return isLast ? configs.staging.letAllGo(db, ref) : configs.staging.letGo(db, ref, agentIds);
  }

  /** The agents of a wave see the new version from here on. */
  return async function beginWave(
    db: Executor,
    job: JobRow,
    wave: number,
    at: Date,
  ): Promise<Begun> {
    const ref = scopeOf(job);
    const reached = new Set((await configs.affected(db, ref)).map(({ id }) => id));
    const isLast = wave === (await store.lastWave(db, job.job_id));
    if (isLast) await takeInNewcomers(db, job, wave, reached);
    let rows = await jobAgents.agentsOf(db, job.job_id, { wave, outcomes: ['pending'] });
    let facts = await load(db, rows);
    if (!isLast && !rows.some((row) => canShow(facts.get(row.agent_id)))) {
      const more = await bringForward(db, job, wave, reached);
      if (more !== undefined) rows = [...rows, more];
      facts = await load(db, rows);
    }
    const starting: { agent_id: string; before: ReturnType<typeof beforeOf> }[] = [];
    const skipped: jobAgents.OutcomeChange[] = [];
    for (const { agent_id } of rows) {
      const now = facts.get(agent_id);
      const why = whyNot(now, reached.has(agent_id));
      if (now === undefined || why !== undefined) {
        skipped.push({ agent_id, outcome: 'skipped', reason: why ?? null, failed_wave: null });
      } else starting.push({ agent_id, before: beforeOf(now) });
    }
    const { invalid } = await letGo(
      db,
      job,
      isLast,
      rows.map(({ agent_id }) => agent_id).filter((id) => reached.has(id)),
    );
    await jobAgents.startAgents(db, job.job_id, starting, at);
    const refused = invalid.map(
      ({ agent_id, errors: [error] }): jobAgents.OutcomeChange => ({
        agent_id,
        outcome: 'failed',
        reason: cut(`not valid for it any more: ${error?.path ?? ''} ${error?.message ?? ''}`),
        failed_wave: wave,
      }),
    );
    await jobAgents.recordOutcomes(db, job.job_id, [...skipped, ...refused], at);
    return { told: starting.length - refused.length };
  };
}

function whyNot(now: Facts | undefined, isReached: boolean): string | undefined {
  if (now === undefined || now.status === 'removed') return 'It was removed';
  if (!isReached) return 'The layer does not reach it any more';
  return isUp(now) ? undefined : NEXT_START;
}
