/** The moves of a job from state to state: each checked against the table, with its reason and its deadline. */
import type { JobState } from '@opmas/protocol';
import type { Clock } from '../../kernel/clock.ts';
import { OpmasError } from '../../kernel/errors.ts';
import type { Executor } from '../../platform/ports.ts';
import { type AuditLog, SYSTEM } from '../audit/index.ts';
import type { ConfigsService } from '../configs/index.ts';
import {
  type Author,
  agentsText,
  cut,
  isOpen,
  isRollout,
  type JobRow,
  MOVES,
  scopeOf,
  type WaveRow,
  waveName,
} from './job.ts';
import * as jobAgents from './job-agents.store.ts';
import * as store from './jobs.store.ts';
import { jobLimits } from './limits.ts';

/** The caller holds the row of the job in every one of these; the row given is kept up to date. */
export type Moves = ReturnType<typeof createMoves>;

export function createMoves(options: {
  configs: Pick<ConfigsService, 'staging' | 'drafts'>;
  audit: Pick<AuditLog, 'record'>;
  clock: Clock;
}) {
  const { configs, audit, clock } = options;
  const at = () => new Date(clock.now());
  const after = (seconds: number) => new Date(clock.now() + seconds * 1_000);

  /** @throws {OpmasError} OPMAS_ILLEGAL_TRANSITION */
  async function move(
    db: Executor,
    job: JobRow,
    state: JobState,
    { reason, ...set }: store.JobChange & { reason: string },
  ): Promise<void> {
    if (job.state !== state && !MOVES[job.state].includes(state)) {
      throw new OpmasError(
        'OPMAS_ILLEGAL_TRANSITION',
        `The job is ${job.state} and cannot become ${state}: ${job.reason}`,
      );
    }
    const change = { state, reason: cut(reason), ...set };
    Object.assign(job, change);
    await store.updateJob(db, job.job_id, change);
  }

  /** What OPMAS decided by itself. */
  async function record(
    db: Executor,
    job: JobRow,
    action: string,
    details: Record<string, unknown>,
    caller: Author = SYSTEM,
  ): Promise<void> {
    await audit.record(db, {
      caller,
      action,
      object: job.job_id,
      outcome: 'ok',
      details: { ...details, state: job.state },
    });
  }

  /** The last move: nothing of it is under way any more, and its layer is free. */
  async function end(db: Executor, job: JobRow, state: JobState, reason: string): Promise<void> {
    if (isRollout(job)) await configs.staging.free(db, scopeOf(job));
    await jobAgents.closeOpen(db, job.job_id, at());
    await move(db, job, state, { reason, deadline: null, ended_at: at(), paused_at: null });
    await record(db, job, 'jobs.ended', { reason: job.reason });
    if (job.draft_id !== null) await settleDraft(db, job);
  }

  /** In the transaction that ends the job: a draft is never without an owner, nor with one that has ended. */
  async function settleDraft(db: Executor, job: JobRow): Promise<void> {
    const { job_id, reason, to_version: to, back_version: back } = job;
    const settled = await configs.drafts.settle(db, job_id, {
      version: to,
      backVersion: back,
      reason,
    });
    if (settled === undefined) return;
    await audit.record(db, {
      caller: SYSTEM,
      action: settled.isPublished ? 'drafts.rolled_out' : 'drafts.returned',
      object: settled.draft_id,
      outcome: 'ok',
      details: { job_id, reason, version: settled.isPublished ? to : back },
    });
  }

  /**
   * What closed the gate does not count any more. Agents of the wave that had no outcome yet go on with it.
   * @returns whether there are any
   */
  async function acceptGate(
    db: Executor,
    job: JobRow,
    { wave, reason: why }: WaveRow,
    by: string,
  ): Promise<boolean> {
    const reason = cut(`${why ?? 'A gate closed'}; accepted by ${by}`);
    const open = await jobAgents.agentsOf(db, job.job_id, {
      upTo: wave,
      outcomes: ['pending', 'running'],
    });
    if (open.length === 0) {
      await store.updateWave(db, job.job_id, wave, { reason });
      return false;
    }
    const deadline = after(job.plan.deadline_seconds);
    await jobAgents.acceptFailures(db, job.job_id, wave);
    await store.updateWave(db, job.job_id, wave, {
      state: 'running',
      reason,
      ended_at: null,
      deadline,
    });
    await move(db, job, 'running', { reason: `Resumed by ${by}`, paused_at: null, deadline });
    return true;
  }

  return {
    move,
    record,
    end,

    /** A rollout goes back by itself from here on; an action has nothing to go back to, and ends. */
    async giveUp(
      db: Executor,
      job: JobRow,
      endsAs: 'rolled_back' | 'cancelled' | 'expired' | 'failed',
      why: string,
    ): Promise<void> {
      if (!isRollout(job)) {
        await end(db, job, endsAs === 'rolled_back' ? 'failed' : endsAs, why);
        return;
      }
      const state = endsAs === 'failed' ? 'rolled_back' : endsAs;
      await move(db, job, 'rolling_back', {
        reason: `Goes back to version ${job.from_version}: ${why}`,
        ends_as: state,
        ends_reason: cut(why),
        deadline: after(job.plan.deadline_seconds),
        paused_at: null,
      });
    },

    /** Ends a rollout where it stands. */
    async leave(db: Executor, job: JobRow, why: string): Promise<void> {
      const left = await jobAgents.agentsOf(db, job.job_id, { outcomes: ['pending'] });
      const kept =
        left.length === 0
          ? ''
          : `; ${agentsText(left.length)} stay at version ${job.from_version} until the layer is written again`;
      await end(db, job, 'cancelled', `${why}${kept}`);
    },

    async pause(db: Executor, job: JobRow, why: string): Promise<void> {
      await move(db, job, 'paused', {
        reason: why,
        paused_at: at(),
        deadline: after(jobLimits.pausedSeconds),
      });
    },

    /** To the next wave, or to the end. */
    async advance(db: Executor, job: JobRow, reason: string): Promise<void> {
      const wave = job.wave ?? 0;
      if (wave > 0 && wave >= (await store.lastWave(db, job.job_id))) {
        await end(db, job, 'succeeded', reason);
        return;
      }
      await move(db, job, 'running', {
        reason: `Begins ${waveName(wave + 1)}`,
        wave: wave + 1,
        deadline: after(job.plan.deadline_seconds),
        paused_at: null,
        ...(job.started_at === null ? { started_at: at() } : {}),
      });
    },

    /** Goes on where it was paused; the time it stood still does not count. */
    async goOn(db: Executor, job: JobRow, by: string): Promise<void> {
      const stood = clock.now() - (job.paused_at?.getTime() ?? clock.now());
      if (job.wave === null) {
        await move(db, job, 'pending', {
          reason: `Resumed by ${by}`,
          paused_at: null,
          deadline: after(job.plan.deadline_seconds),
        });
        return;
      }
      const wave = await store.waveOf(db, job.job_id, job.wave);
      if (wave.state === 'closed' && (await acceptGate(db, job, wave, by))) return;
      if (wave.state === 'passed' || wave.state === 'closed') {
        await this.advance(db, job, `Every wave has had its turn; resumed by ${by}`);
        return;
      }
      const deadline =
        wave.deadline === null
          ? after(job.plan.deadline_seconds)
          : new Date(wave.deadline.getTime() + stood);
      if (wave.deadline !== null) {
        await store.updateWave(db, job.job_id, wave.wave, {
          deadline,
          ...(wave.applied_at === null
            ? {}
            : { applied_at: new Date(wave.applied_at.getTime() + stood) }),
        });
      }
      await move(db, job, 'running', { reason: `Resumed by ${by}`, paused_at: null, deadline });
    },

    isOpen: (job: JobRow): boolean => isOpen(job.state),
  };
}
