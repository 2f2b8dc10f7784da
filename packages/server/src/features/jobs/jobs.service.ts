/** What people do with jobs: make, look, pause, resume, cancel, try again. */
import {
  type Job,
  type JobAgent,
  type JobKind,
  type JobOutcome,
  type JobState,
} from '@opmas/protocol';
import type { Clock } from '../../kernel/clock.ts';
import { OpmasError } from '../../kernel/errors.ts';
import type { Reach } from '../../kernel/grants.ts';
import type { Ids } from '../../kernel/ids.ts';
import { type Page, type PageRequest, pageOf } from '../../kernel/paging.ts';
import type { Call } from '../../operation.ts';
import type { Executor } from '../../platform/ports.ts';
import type { AuditLog } from '../audit/index.ts';
import type { ConfigsService } from '../configs/index.ts';
import { announceJob, viewOf, viewsOf } from './announce.ts';
import { createCreation } from './creation.ts';
import { isOpen, isRollout, type JobRow, toJobAgent } from './job.ts';
import * as jobAgents from './job-agents.store.ts';
import * as store from './jobs.store.ts';
import { createMoves } from './moves.ts';
import { permissionOf, permitAction, permitRollout } from './permits.ts';

export function createJobsService(options: {
  configs: ConfigsService;
  audit: Pick<AuditLog, 'record'>;
  clock: Clock;
  ids: Ids;
}) {
  const creation = createCreation(options);
  const moves = createMoves(options);

  async function rowOf(db: Executor, jobId: string, reach: Reach): Promise<JobRow> {
    const row = await store.jobById(db, jobId, reach);
    if (row === undefined) throw new OpmasError('OPMAS_JOB_NOT_FOUND', `No job ${jobId}`);
    return row;
  }

  /**
   * The job, locked, for a caller who may do what it does.
   * @throws {OpmasError} OPMAS_JOB_NOT_FOUND, OPMAS_FORBIDDEN
   */
  async function own(jobId: string, call: Call): Promise<JobRow> {
    const { db } = call;
    await rowOf(db, jobId, call.reach);
    const job = await store.lockJob(db, jobId);
    if (job === undefined) throw new OpmasError('OPMAS_JOB_NOT_FOUND', `No job ${jobId}`);
    if (isRollout(job)) permitRollout(call);
    else {
      const ids = await jobAgents.agentIdsOf(db, jobId);
      permitAction(call, permissionOf(job), await jobAgents.candidates(db, ids));
    }
    return job;
  }

  /** Does it to the job, and answers how it is then. */
  async function change(
    jobId: string,
    call: Call,
    details: Record<string, unknown>,
    work: (db: Executor, job: JobRow) => Promise<void>,
  ): Promise<Job> {
    const job = await own(jobId, call);
    const from = job.state;
    await work(call.db, job);
    call.audit({ object: jobId, details: { ...details, from, to: job.state } });
    return announceJob(call.db, jobId);
  }

  function refuse(job: JobRow, what: string): never {
    throw new OpmasError(
      'OPMAS_ILLEGAL_TRANSITION',
      `The job is ${job.state} and cannot be ${what}: ${job.reason}`,
    );
  }

  return {
    create: creation.create,

    async list(
      db: Executor,
      query: PageRequest & { state?: JobState; kind?: JobKind },
      reach: Reach,
    ): Promise<Page<Job>> {
      const page = await pageOf(query, {
        rows: (limit, after) => store.listJobs(db, { ...query, reach }, limit, after),
        item: (row) => row,
        key: (row) => [row.created_at.toISOString(), row.job_id],
      });
      return { ...page, items: await viewsOf(db, page.items) };
    },

    /** @throws {OpmasError} OPMAS_JOB_NOT_FOUND, also when an agent of it is out of reach */
    get: async (db: Executor, jobId: string, reach: Reach): Promise<Job> =>
      viewOf(db, await rowOf(db, jobId, reach)),

    /** By wave and turn. @throws {OpmasError} OPMAS_JOB_NOT_FOUND */
    async agents(
      db: Executor,
      jobId: string,
      query: PageRequest & { outcome?: JobOutcome },
      reach: Reach,
    ): Promise<Page<JobAgent>> {
      await rowOf(db, jobId, reach);
      return pageOf(query, {
        rows: (limit, after) => jobAgents.pageOfAgents(db, jobId, query, limit, after),
        item: toJobAgent,
        key: (row) => [String(row.wave), String(row.place)],
      });
    },

    /** No wave begins until it is resumed; agents that were told already go on. */
    pause: (jobId: string, call: Call): Promise<Job> =>
      change(jobId, call, {}, async (db, job) => {
        if (job.state !== 'pending' && job.state !== 'running') refuse(job, 'paused');
        await moves.pause(db, job, `Paused by ${call.caller.name}`);
      }),

    /** After a gate has closed: goes on nevertheless. */
    resume: (jobId: string, call: Call): Promise<Job> =>
      change(jobId, call, {}, async (db, job) => {
        if (job.state !== 'paused') refuse(job, 'resumed');
        await moves.goOn(db, job, call.caller.name);
      }),

    /** With `rollback` what was changed goes back, and the job ends when it has. */
    cancel: (
      jobId: string,
      { rollback = true }: { rollback?: boolean },
      call: Call,
    ): Promise<Job> =>
      change(jobId, call, { rollback }, async (db, job) => {
        if (!isOpen(job.state) || job.state === 'rolling_back') refuse(job, 'cancelled');
        const why = `Cancelled by ${call.caller.name}`;
        // Before the first wave there is nothing that could stay.
        const stays = isRollout(job) && !rollback && job.wave !== null;
        if (stays) await moves.leave(db, job, why);
        else await moves.giveUp(db, job, 'cancelled', why);
      }),

    /** A new job of the agents that failed. @throws {OpmasError} OPMAS_CONFLICT when there are none */
    async retry(jobId: string, call: Call): Promise<Job> {
      const job = await own(jobId, call);
      if (job.action === null) {
        throw new OpmasError(
          'OPMAS_CONFLICT',
          'Only actions are tried again; make a new rollout of a mended layer',
        );
      }
      if (isOpen(job.state)) {
        throw new OpmasError(
          'OPMAS_CONFLICT',
          'The job is under way; wait for its end, or cancel it',
        );
      }
      const failed = await jobAgents.agentsOf(call.db, jobId, { outcomes: ['failed', 'expired'] });
      if (failed.length === 0) {
        throw new OpmasError('OPMAS_CONFLICT', 'No agent of the job failed');
      }
      const waves = await store.wavesOf(call.db, [jobId]);
      return creation.action(
        {
          kind: 'action',
          action: job.action,
          arguments: job.arguments ?? {},
          agents: { ids: failed.map(({ agent_id }) => agent_id) },
          purpose: job.purpose,
          sizes: (waves.get(jobId) ?? []).map(({ size }) => size),
          plan: job.plan,
        },
        call,
        jobId,
      );
    },
  };
}

export type JobsService = ReturnType<typeof createJobsService>;
