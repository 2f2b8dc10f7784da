/**
 * Moves jobs on: one server at a time, every move a transaction. Whoever takes over goes on from what is
 * written, so that it may end anywhere.
 */
import type { Clock } from '../../kernel/clock.ts';
import { isDatabaseAway } from '../../kernel/database-away.ts';
import { messageOf } from '../../kernel/errors.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { Database, Executor } from '../../platform/ports.ts';
import type { AgentsService } from '../agents/index.ts';
import type { AuditLog } from '../audit/index.ts';
import type { ConfigsService } from '../configs/index.ts';
import type { DeliveriesService } from '../deliveries/index.ts';
import type { Lease } from '../leases/index.ts';
import type { LifecycleService } from '../lifecycle/index.ts';
import { announceJob } from './announce.ts';
import { createCommands } from './commands.ts';
import { createFacts } from './facts.ts';
import { agentsText, isOpen, isRollout, type JobRow, type WaveRow, waveName } from './job.ts';
import * as jobAgents from './job-agents.store.ts';
import * as store from './jobs.store.ts';
import { jobLimits } from './limits.ts';
import { createMoves } from './moves.ts';
import { createReturning } from './returning.ts';
import { createWaveStart } from './wave-start.ts';
import { createWaveWatch, type Step } from './wave-watch.ts';

export interface EngineOptions {
  database: Database;
  agents: AgentsService;
  configs: ConfigsService;
  deliveries: Pick<DeliveriesService, 'states'>;
  lifecycle: Pick<LifecycleService, 'command'>;
  audit: Pick<AuditLog, 'record'>;
  lease: Pick<Lease, 'held' | 'guard'>;
  clock: Clock;
  logger: Logger;
  /** Agents shall hear of something, and those who watch: after the commit. */
  told: () => void;
}

const WAIT: Step = { again: false, changed: false };
const ON: Step = { again: true, changed: true };

export type JobsEngine = ReturnType<typeof createJobsEngine>;

export function createJobsEngine(options: EngineOptions) {
  const { database, configs, lease, clock, logger } = options;
  const facts = createFacts(options.deliveries);
  const moves = createMoves(options);
  const beginWave = createWaveStart({ configs, facts });
  const watch = createWaveWatch({ moves, facts, clock });
  const returning = createReturning({ configs, moves, facts, clock });
  const commands = createCommands({ ...options, facts, asLeader });
  /** What was said of jobs that could not be moved: each message once. */
  const failing = new Map<string, string>();

  const at = () => new Date(clock.now());
  const isOver = (time: Date | null) => time !== null && time.getTime() <= clock.now();

  async function asLeader(work: (tx: Executor) => Promise<void>): Promise<void> {
    await database.transaction(async (tx) => {
      if (await lease.guard(tx)) await work(tx);
    });
  }

  /** One move of the job, decided by what is written. */
  async function step(db: Executor, job: JobRow): Promise<Step> {
    switch (job.state) {
      case 'pending':
        if (isOver(job.deadline)) {
          await moves.giveUp(db, job, 'expired', 'No server took it up in time');
        } else await moves.advance(db, job, '');
        return ON;
      case 'running':
        return runningStep(db, job);
      case 'paused':
        if (!isOver(job.deadline)) return WAIT;
        await moves.giveUp(db, job, 'expired', 'Nobody resumed it in time');
        return ON;
      case 'rolling_back':
        return returning.step(db, job);
      default:
        return WAIT;
    }
  }

  async function runningStep(db: Executor, job: JobRow): Promise<Step> {
    const wave = await store.waveOf(db, job.job_id, job.wave ?? 1);
    switch (wave.state) {
      case 'pending':
        await begin(db, job, wave);
        return ON;
      case 'running':
        return watch.running(db, job, wave);
      case 'watching':
        return watch.watching(db, job, wave);
      default:
        await moves.advance(db, job, 'Every wave has had its turn');
        return ON;
    }
  }

  async function begin(db: Executor, job: JobRow, { wave }: WaveRow): Promise<void> {
    const deadline = new Date(clock.now() + job.plan.deadline_seconds * 1_000);
    let reason: string;
    if (isRollout(job)) {
      const { told } = await beginWave(db, job, wave, at());
      reason = `${waveName(wave)}: version ${job.to_version} is given to ${agentsText(told)}`;
    } else {
      const rows = await jobAgents.agentsOf(db, job.job_id, { wave, outcomes: ['pending'] });
      reason = commands.describe(job, wave, rows.length);
    }
    await store.updateWave(db, job.job_id, wave, { state: 'running', started_at: at(), deadline });
    await moves.move(db, job, 'running', { reason, deadline });
    await moves.record(db, job, 'jobs.wave_started', { wave, reason });
  }

  /** @returns what came of it; undefined when the job has ended, or another server leads */
  async function moveOnce(jobId: string): Promise<Step | undefined> {
    let result: Step | undefined;
    await asLeader(async (tx) => {
      const job = await store.lockJob(tx, jobId);
      if (job === undefined || !isOpen(job.state)) return;
      result = await step(tx, job);
      if (result.changed) await announceJob(tx, jobId);
    });
    if (result?.changed === true) options.told();
    return result;
  }

  /** Actions whose turn has come. @returns whether there were any */
  async function sendCommands(jobId: string): Promise<boolean> {
    const job = await store.jobById(database.pool, jobId, 'all');
    if (job?.kind !== 'action' || job.state !== 'running' || job.wave === null) return false;
    const wave = await store.waveOf(database.pool, jobId, job.wave);
    if (wave.state !== 'running' || isOver(wave.deadline)) return false;
    const rows = await jobAgents.agentsOf(database.pool, jobId, {
      wave: job.wave,
      outcomes: ['pending'],
    });
    const ids = rows.map(({ agent_id }) => agent_id);
    const sent = await commands.send(jobId, job.wave, ids);
    if (sent > 0) options.told();
    return sent > 0;
  }

  async function moveOn(jobId: string): Promise<void> {
    for (let n = 0; n < jobLimits.movesARound; n += 1) {
      const result = await moveOnce(jobId);
      if (result === undefined) return;
      const sent = await sendCommands(jobId);
      if (!result.again && !sent) return;
    }
  }

  /** A job that cannot be moved must end all the same: it goes back, or is left for somebody to look at. */
  async function endStuck(jobId: string, message: string): Promise<void> {
    let hasMoved = false;
    await asLeader(async (tx) => {
      const job = await store.lockJob(tx, jobId);
      if (job === undefined || !isOpen(job.state) || !isOver(job.deadline)) return;
      if (job.state === 'rolling_back') await returning.strand(tx, job, message);
      else await moves.giveUp(tx, job, 'failed', `It could not go on: ${message}`);
      await announceJob(tx, jobId);
      hasMoved = true;
    });
    if (hasMoved) options.told();
  }

  function tell(jobId: string, message: string): void {
    if (failing.get(jobId) === message) return;
    failing.set(jobId, message);
    logger.warn({ job: jobId, err: message }, 'a job could not be moved, will try again');
  }

  return {
    /**
     * One round over all open jobs: one that can neither be moved nor ended keeps no other waiting.
     * @throws that it could not be ended, when all have had their turn; at once when the database is away
     */
    async work(): Promise<void> {
      if (!lease.held()) return;
      const open = await store.openJobs(database.pool);
      for (const known of failing.keys()) if (!open.includes(known)) failing.delete(known);
      const stuck: unknown[] = [];
      for (const jobId of open) {
        try {
          await moveOn(jobId);
          failing.delete(jobId);
        } catch (error) {
          if (isDatabaseAway(error)) throw error;
          const message = messageOf(error);
          tell(jobId, message);
          await endStuck(jobId, message).catch((fault: unknown) => void stuck.push(fault));
        }
      }
      if (stuck.length > 0) throw stuck[0];
    },
  };
}
