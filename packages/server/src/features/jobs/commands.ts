/** Actions on one agent after another, each in a transaction of its own: told and remembered, or neither. */
import type { ConfigLayer, JobAction } from '@opmas/protocol';
import type { Clock } from '../../kernel/clock.ts';
import { OpmasError } from '../../kernel/errors.ts';
import type { Caller } from '../../operation.ts';
import type { Executor } from '../../platform/ports.ts';
import type { AgentsService } from '../agents/index.ts';
import { type ConfigsService, runtimeScope } from '../configs/index.ts';
import type { LifecycleService } from '../lifecycle/index.ts';
import type { LoadFacts } from './facts.ts';
import { agentsText, cut, type JobRow, waveName } from './job.ts';
import * as jobAgents from './job-agents.store.ts';
import * as store from './jobs.store.ts';
import { jobLimits } from './limits.ts';
import { beforeOf } from './verdict.ts';

/** Tags of one agent. */
const TAGS = 32;

export interface CommandsOptions {
  agents: Pick<AgentsService, 'change' | 'lock'>;
  configs: Pick<ConfigsService, 'replace' | 'layer'>;
  lifecycle: Pick<LifecycleService, 'command'>;
  facts: LoadFacts;
  clock: Clock;
  /** Runs `work` in a transaction, if this server still leads. */
  asLeader(work: (tx: Executor) => Promise<void>): Promise<void>;
}

export function createCommands(options: CommandsOptions) {
  const { agents, configs, lifecycle, facts: load, clock, asLeader } = options;
  const at = () => new Date(clock.now());

  /** @returns the id of the action that tells of its outcome, if there is one */
  async function act(db: Executor, job: JobRow, agentId: string): Promise<string | undefined> {
    const action = job.action as JobAction;
    const { name } = job.created_by;
    switch (action) {
      case 'start':
      case 'stop':
      case 'restart':
        return (await lifecycle.command(db, agentId, action, job.created_by as Caller)).action_id;
      case 'log-level':
        await setLogLevel(db, job, agentId, name);
        return undefined;
      case 'tags':
        await setTags(db, job, agentId);
        return undefined;
    }
  }

  async function setLogLevel(db: Executor, job: JobRow, agentId: string, author: string) {
    const { level, expires_in: expiresIn } = job.arguments ?? {};
    const ref = runtimeScope(agentId);
    // Held before it is read: nobody changes it in between.
    await agents.lock(db, agentId);
    const { config } = await configs.layer(db, ref);
    const monitoring = (config['monitoring'] ?? {}) as ConfigLayer;
    await configs.replace(db, ref, {
      document: {
        ...config,
        monitoring: { ...monitoring, log_level: level?.toUpperCase() },
      } as ConfigLayer,
      author,
      reason: cut(`Job ${job.job_id}${job.purpose === null ? '' : `: ${job.purpose}`}`),
      expiresIn,
    });
  }

  async function setTags(db: Executor, job: JobRow, agentId: string): Promise<void> {
    const { add = [], remove = [] } = job.arguments ?? {};
    const { tags } = await agents.lock(db, agentId);
    const next = [...new Set([...tags.filter((tag) => !remove.includes(tag)), ...add])];
    if (next.length > TAGS) {
      throw new OpmasError(
        'OPMAS_CONFLICT',
        `It would have ${next.length} tags; it may have ${TAGS}`,
      );
    }
    await agents.change(db, agentId, { set: { tags: next } }, { caller: job.created_by });
  }

  /** False when the job is not to go on. */
  async function one(jobId: string, wave: number, agentId: string): Promise<boolean> {
    let goesOn = false;
    await asLeader(async (tx) => {
      const job = await store.lockJob(tx, jobId);
      if (job?.state !== 'running' || job.wave !== wave) return;
      goesOn = true;
      const facts = await load(tx, [{ agent_id: agentId, action_id: null }]);
      const now = facts.get(agentId);
      if (now === undefined || now.status === 'removed') {
        throw new OpmasError('OPMAS_AGENT_NOT_FOUND', 'It was removed');
      }
      const actionId = await act(tx, job, agentId);
      await jobAgents.startAgents(
        tx,
        jobId,
        [
          {
            agent_id: agentId,
            before: beforeOf(now),
            ...(actionId === undefined ? {} : { action_id: actionId }),
          },
        ],
        at(),
      );
      if (job.action !== 'tags') return;
      await jobAgents.recordOutcomes(
        tx,
        jobId,
        [{ agent_id: agentId, outcome: 'done', reason: null, failed_wave: null }],
        at(),
      );
    });
    return goesOn;
  }

  /** It cannot be done to this agent: that is its outcome. */
  async function refused(jobId: string, wave: number, agentId: string, error: OpmasError) {
    const isMoot = MOOT.includes(error.code);
    await asLeader((tx) =>
      jobAgents.recordOutcomes(
        tx,
        jobId,
        [
          {
            agent_id: agentId,
            outcome: isMoot ? 'skipped' : 'failed',
            reason: cut(error.message),
            failed_wave: isMoot ? null : wave,
          },
        ],
        at(),
      ),
    );
  }

  return {
    /** @returns how many agents had their turn */
    async send(jobId: string, wave: number, agentIds: readonly string[]): Promise<number> {
      let sent = 0;
      for (const agentId of agentIds.slice(0, jobLimits.actionsARound)) {
        try {
          if (!(await one(jobId, wave, agentId))) return sent;
        } catch (error) {
          if (!(error instanceof OpmasError) || error.status >= 500) throw error;
          await refused(jobId, wave, agentId, error);
        }
        sent += 1;
      }
      return sent;
    },

    describe: (job: JobRow, wave: number, agents: number): string =>
      `${waveName(wave)}: ${job.action} of ${agentsText(agents)}`,
  };
}

/** There is nothing to be done to the agent, which is no failure of it. */
const MOOT: readonly string[] = [
  'OPMAS_AGENT_NOT_FOUND',
  'OPMAS_ILLEGAL_TRANSITION',
  'OPMAS_CONFLICT',
];
