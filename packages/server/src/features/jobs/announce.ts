/** A job as it is told: to who asks, and to those who watch. */
import type { Job } from '@opmas/protocol';
import type { Executor } from '../../platform/ports.ts';
import { addToOutbox } from '../outbox/index.ts';
import { type JobRow, toJob } from './job.ts';
import { agentIdsOf } from './job-agents.store.ts';
import * as store from './jobs.store.ts';
import { jobLimits } from './limits.ts';

/** The kind of outbox row that a change of a job makes. */
export const JOB_EVENT = 'job.changed';

/** With their waves and counts, in the same order. */
export async function viewsOf(db: Executor, rows: readonly JobRow[]): Promise<Job[]> {
  const ids = rows.map(({ job_id }) => job_id);
  const waves = await store.wavesOf(db, ids);
  const counts = await store.countsOf(db, ids);
  return rows.map((row) => toJob(row, waves.get(row.job_id) ?? [], counts.get(row.job_id) ?? {}));
}

export async function viewOf(db: Executor, row: JobRow): Promise<Job> {
  const [view] = await viewsOf(db, [row]);
  if (view === undefined) throw new Error(`no view of ${row.job_id}`);
  return view;
}

/**
 * Tells those who watch, in the caller's transaction. With the ids of its agents, unless there are many: who is
 * limited to some agents is told of jobs of those alone.
 */
export async function announceJob(db: Executor, jobId: string): Promise<Job> {
  const row = await store.jobById(db, jobId, 'all');
  if (row === undefined) throw new Error(`no job ${jobId}`);
  const job = await viewOf(db, row);
  const ids = job.agents <= jobLimits.toldAgents ? await agentIdsOf(db, jobId) : undefined;
  await addToOutbox(db, JOB_EVENT, { ...job, ...(ids === undefined ? {} : { agent_ids: ids }) });
  return job;
}
