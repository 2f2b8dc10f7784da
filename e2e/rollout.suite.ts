/** A rollout over many agents on the whole product: a bad one ends at the canary and goes back, a good one reaches all. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Agent, Job, JobAgent, Page } from '@opmas/protocol';
import { waitFor } from '@opmas/testkit';
import { beforeAll, expect, test } from 'vitest';
import { checked } from './api.ts';
import { agentProcesses } from './chaos-watch.ts';
import { limits } from './limits.ts';
import type { SharedProduct } from './shared-product.ts';

/** `OPMAS_TEST_AGENTS=50` makes a fleet of it. */
const AGENTS = Number(process.env['OPMAS_TEST_AGENTS'] ?? 8);
/** A machine starts so many agents in this time, at worst. */
const MS_PER_AGENT = 6_000;
const ROLLOUT_MS = 300_000 + AGENTS * MS_PER_AGENT;

/** Takes any configuration, and ends soon after one that says so. */
const FRAGILE = `
import { BaseAgent } from '@opmas/sdk';
export default class Fragile extends BaseAgent {
  override async configChanged() {
    if (this.config.get('explode') === true) setTimeout(() => process.exit(3), 200);
  }
}`;

export function rolloutSuite(shared: SharedProduct): void {
  beforeAll(
    async () => {
      for (let n = 1; n <= AGENTS; n += 1) writeFragile(n);
      await waitFor(async () => (await fleet()).length === AGENTS && (await allWell()), {
        timeoutMs: limits.agentsMs + AGENTS * MS_PER_AGENT,
        pollMs: 500,
        what: `${AGENTS} agents at work`,
      });
    },
    limits.agentsMs + AGENTS * MS_PER_AGENT,
  );

  /** Written aside and moved in whole, as an operator would. */
  function writeFragile(n: number): void {
    const folder = `fragile_${n}`;
    const aside = join(shared.product.home, 'aside', folder);
    mkdirSync(aside, { recursive: true });
    writeFileSync(join(aside, 'agent.ts'), FRAGILE);
    writeFileSync(
      join(aside, '.env.discovery'),
      `AGENT_NAME=Fragile${n}\nAGENT_VERSION=1.0.0\nAGENT_DESCRIPTION=One of many\nAGENT_TYPE=fragile\n` +
        'DEFAULT_SUBSCRIBED_TOPICS=logs.security\nDEFAULT_FINDINGS_TOPIC=findings.security\n',
    );
    cpSync(aside, join(shared.product.agentsDir, folder), { recursive: true });
  }

  async function fleet(): Promise<Agent[]> {
    const { body } = await shared.product.call('GET', '/api/v1/agents?limit=500');
    const { items } = body as { items: Agent[] };
    return items.sort((a, b) => (a.agent_id < b.agent_id ? -1 : 1));
  }

  /** @throws {Error} naming those who are not */
  async function allWell(): Promise<boolean> {
    const unwell = (await fleet()).filter(
      ({ status, conditions }) => status !== 'running' || conditions.length > 0,
    );
    if (unwell.length === 0) return true;
    const told = unwell.map(({ name, status, conditions }) => [name, status, conditions]);
    throw new Error(`not well: ${JSON.stringify(told)}`);
  }

  const hashes = (agents: readonly Agent[]): string[] =>
    agents.map(({ agent_id, config_hash }) => `${agent_id} ${config_hash}`);

  async function rollOut(document: object, reason: string): Promise<Job> {
    const { status, body } = await shared.product.call('POST', '/api/v1/jobs', {
      body: {
        kind: 'rollout',
        scope: 'fleet',
        document,
        reason,
        waves: ['1', '10%', '100%'],
        gates: { settle_seconds: 3 },
        deadline_seconds: 120,
      },
    });
    expect({ status, body }).toMatchObject({ status: 202 });
    return checked(Job, body, 'POST /jobs');
  }

  /** Looks at the job until it has ended, and meanwhile at the fleet. */
  async function ended(jobId: string, look: (agents: Agent[], job: Job) => void): Promise<Job> {
    let job: Job | undefined;
    await waitFor(
      async () => {
        job = await shared.product.read(Job, `/jobs/${jobId}`);
        look(await fleet(), job);
        return job.ended_at !== null;
      },
      { timeoutMs: ROLLOUT_MS, pollMs: 250, what: 'the end of the job' },
    );
    if (job === undefined) throw new Error('no job');
    return job;
  }

  async function outcomes(jobId: string): Promise<JobAgent[]> {
    return (await shared.product.read(Page(JobAgent), `/jobs/${jobId}/agents?limit=500`)).items;
  }

  test(
    'a configuration that makes agents fail stops at the canary, and everything is as it was',
    async () => {
      const before = await fleet();
      const processes = agentProcesses(shared.product.dataDir);
      const touched = new Set<string>();
      const began = performance.now();
      const job = await ended(
        (await rollOut({ explode: true }, 'It looked harmless')).job_id,
        (now) => {
          for (const [place, agent] of now.entries()) {
            if (agent.config_hash !== before[place]?.config_hash) touched.add(agent.agent_id);
          }
        },
      );
      console.log(
        `${job.state} after ${((performance.now() - began) / 1_000).toFixed(1)} s with ${AGENTS} agents: ${job.reason}`,
      );
      expect(job).toMatchObject({ state: 'rolled_back', kind: 'rollout', agents: AGENTS });
      expect(job.reason).toContain('canary');
      expect(job.waves.map(({ state }) => state)).not.toContain('passed');

      const all = await outcomes(job.job_id);
      const canary = all.filter(({ wave }) => wave === 1);
      expect(canary).toHaveLength(1);
      expect([...touched]).toEqual(canary.map(({ agent_id }) => agent_id));
      expect(canary[0]?.reason).toBeTruthy();
      expect(
        all.filter(({ wave }) => wave > 1).every(({ started_at }) => started_at === null),
      ).toBe(true);

      expect(hashes(await fleet())).toEqual(hashes(before));
      await waitFor(allWell, {
        timeoutMs: limits.agentsMs,
        pollMs: 250,
        what: 'the canary is well',
      });
      const others = ({ agent_id }: { agent_id: string }) => !touched.has(agent_id);
      // Nobody else was restarted, or even asked.
      expect(agentProcesses(shared.product.dataDir).filter(others)).toEqual(
        processes.filter(others),
      );
    },
    ROLLOUT_MS + limits.agentsMs,
  );

  test(
    'a good one reaches every agent, wave by wave',
    async () => {
      const seen = new Set<string>();
      const { job_id } = await rollOut({ processing: { batch_size: 50 } }, 'Larger batches');
      const job = await ended(job_id, (agents, { wave }) => {
        const hash = (agent: Agent) => agent.config_hash;
        seen.add(`${wave}: ${new Set(agents.map(hash)).size}`);
      });
      expect(job).toMatchObject({ state: 'succeeded', counts: { done: AGENTS } });
      expect(job.waves.map(({ state }) => state)).toEqual(job.waves.map(() => 'passed'));
      // While the canary had it the others had not.
      expect([...seen]).toContain('1: 2');
      const agents = await fleet();
      expect(new Set(agents.map(({ config_hash }) => config_hash)).size).toBe(1);
      const kept = JSON.parse(
        readFileSync(
          join(shared.product.dataDir, 'agents', agents[0]?.agent_id ?? '', 'config.json'),
          'utf8',
        ),
      ) as object;
      expect(JSON.stringify(kept)).toContain('"batch_size":50');
    },
    ROLLOUT_MS,
  );
}
