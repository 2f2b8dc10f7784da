/** The way back of a rollout: the old version in force again, and every agent that had the new one followed home. */
import type { Clock } from '../../kernel/clock.ts';
import type { Executor } from '../../platform/ports.ts';
import type { ConfigsService } from '../configs/index.ts';
import type { LoadFacts } from './facts.ts';
import { agentsText, cut, type JobAgentRow, type JobRow, scopeOf } from './job.ts';
import * as jobAgents from './job-agents.store.ts';
import * as store from './jobs.store.ts';
import { jobLimits } from './limits.ts';
import type { Moves } from './moves.ts';
import { afterReturn, type Facts, isHopeless } from './verdict.ts';
import type { Step } from './wave-watch.ts';

/** Who writes layers that nobody asked for. */
const AUTHOR = 'system';

export function createReturning(options: {
  configs: Pick<ConfigsService, 'staging'>;
  moves: Moves;
  facts: LoadFacts;
  clock: Clock;
}) {
  const { configs, moves, facts: load, clock } = options;
  const at = () => new Date(clock.now());

  /** One transaction: from its commit on nobody is told the new version any more. */
  async function takeBack(db: Executor, job: JobRow): Promise<Step> {
    const why = job.ends_reason ?? '';
    const { layer } = await configs.staging.takeBack(db, scopeOf(job), {
      holder: job.job_id,
      from: job.from_version ?? 0,
      author: AUTHOR,
      reason: cut(`Job ${job.job_id}: ${why}`),
    });
    if (job.wave !== null) await closeWave(db, job, job.wave, why);
    await jobAgents.skipPending(db, job.job_id, 'The job went back before its turn came', at());
    await moves.move(db, job, 'rolling_back', {
      reason: `Version ${job.from_version} is in force again, as version ${layer.version}; waits for its agents: ${why}`,
      back_version: layer.version,
      deadline: new Date(clock.now() + job.plan.deadline_seconds * 1_000),
    });
    await moves.record(db, job, 'jobs.taken_back', { version: layer.version, reason: why });
    return { again: true, changed: true };
  }

  async function closeWave(db: Executor, job: JobRow, wave: number, why: string): Promise<void> {
    const { state } = await store.waveOf(db, job.job_id, wave);
    if (state === 'passed' || state === 'closed') return;
    await store.updateWave(db, job.job_id, wave, {
      state: 'closed',
      reason: cut(why),
      ended_at: at(),
    });
  }

  async function follow(db: Executor, job: JobRow): Promise<Step> {
    const rows = await jobAgents.agentsOf(db, job.job_id, {
      outcomes: ['running', 'done', 'failed', 'expired'],
    });
    const facts = await load(db, rows);
    const changes: jobAgents.OutcomeChange[] = [];
    const left: JobAgentRow[] = [];
    for (const row of rows) {
      const change = homeAgain(row, facts.get(row.agent_id));
      if (change === undefined) left.push(row);
      else changes.push(change);
    }
    await jobAgents.recordOutcomes(db, job.job_id, changes, at());
    const isLate = (job.deadline?.getTime() ?? 0) <= clock.now();
    // Who never took the new one is told the old one, and is not waited for when it does not answer.
    const isAwaited = ({ agent_id, outcome }: JobAgentRow) =>
      outcome === 'done' || !isHopeless(facts.get(agent_id));
    if (left.some(isAwaited) && !isLate) return { again: false, changed: changes.length > 0 };
    await finish(db, job, left, facts);
    return { again: false, changed: true };
  }

  async function finish(
    db: Executor,
    job: JobRow,
    left: readonly JobAgentRow[],
    facts: ReadonlyMap<string, Facts>,
  ): Promise<void> {
    const why = job.ends_reason ?? '';
    const back = `Version ${job.from_version} is in force again, as version ${job.back_version}`;
    // Who never took the new one has not to be brought back from it.
    const lost = left.filter(({ outcome }) => outcome === 'done');
    if (lost.length === 0) {
      await moves.end(db, job, job.ends_as ?? 'rolled_back', `${back}: ${why}`);
      return;
    }
    const names = lost
      .slice(0, jobLimits.namedAgents)
      .map(({ agent_id }) => facts.get(agent_id)?.name ?? agent_id)
      .join(', ');
    const reason = `${back}, not confirmed in time by ${agentsText(lost.length)} (${names}${lost.length > jobLimits.namedAgents ? ', …' : ''}): ${why}`;
    await jobAgents.recordOutcomes(
      db,
      job.job_id,
      lost.map(({ agent_id }) => ({
        agent_id,
        outcome: 'failed' as const,
        reason: 'It has not confirmed the old version in time',
        failed_wave: null,
      })),
      at(),
    );
    await moves.end(db, job, 'failed', reason);
  }

  return {
    step: (db: Executor, job: JobRow): Promise<Step> =>
      job.back_version === null ? takeBack(db, job) : follow(db, job),

    /** It cannot go back: an agent could not live with the old version any more. Somebody has to look. */
    async strand(db: Executor, job: JobRow, error: string): Promise<void> {
      await moves.end(
        db,
        job,
        'failed',
        `It could not go back to version ${job.from_version} (${error}); agents stay where they are until the layer is written again`,
      );
    },
  };
}

/** What was wrong before stays readable. */
function homeAgain(row: JobAgentRow, now: Facts | undefined): jobAgents.OutcomeChange | undefined {
  const verdict = now === undefined ? undefined : afterReturn(now);
  if (verdict === undefined) return undefined;
  const had = row.outcome === 'failed' || row.outcome === 'expired' ? row.reason : null;
  return {
    agent_id: row.agent_id,
    outcome: verdict.outcome,
    reason: had === null ? verdict.reason : cut(`${row.outcome}: ${had}`),
    failed_wave: null,
  };
}
