/** What a user does to a running OPMAS with agent packages, agents and their configuration. */
import { randomUUID } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { type AgentPackage, type FindingRecord, Type } from '@opmas/protocol';
import { scaffoldAgent } from '@opmas/sdk';
import { waitFor } from '@opmas/testkit';
import { afterEach, expect, test } from 'vitest';
import { checked } from './api.ts';
import { limits } from './limits.ts';
import { rule, writePackage } from './package-files.ts';
import { isWell } from './product.ts';
import type { SharedProduct } from './shared-product.ts';

export function packagesSuite(shared: SharedProduct): void {
  /** Whatever a test does to other packages, the agent that was there first goes on. */
  afterEach(async () => {
    const agent = await shared.product.agent('SecurityAgent');
    expect(agent).toMatchObject({ status: 'running', restarts: 0, conditions: [] });
  });

  async function packageOf(folder: string): Promise<AgentPackage | undefined> {
    return (await shared.product.packages()).find(({ path }) => path.endsWith(`/${folder}`));
  }

  async function packageBecomes(
    folder: string,
    state: AgentPackage['state'],
  ): Promise<AgentPackage> {
    let last: AgentPackage | undefined;
    return waitFor(
      async () => {
        last = await packageOf(folder);
        return last?.state === state ? last : undefined;
      },
      { timeoutMs: limits.waitMs, what: `package ${folder} ${state}` },
    ).catch((cause: unknown) => {
      throw new Error(`${folder} shall be ${state}: ${JSON.stringify(last)}`, { cause });
    });
  }

  /** Posts one event to the domain and waits for what `agentName` finds in it. */
  const Running = Type.Object({ running_hash: Type.Union([Type.String(), Type.Null()]) });

  async function provoke(
    domain: string,
    message: string,
    agentName: string,
  ): Promise<FindingRecord[]> {
    const event_id = randomUUID();
    const { status } = await shared.product.call('POST', `/api/v1/events?domain=${domain}`, {
      body: [{ event_id, message }],
    });
    expect(status).toBe(202);
    return waitFor(
      async () => {
        const found = (await shared.product.findings()).filter(
          (one) => one.agent_name === agentName && one.details['event_id'] === event_id,
        );
        return found.length > 0 ? found : undefined;
      },
      { timeoutMs: limits.waitMs, what: `a finding of ${agentName} about ${message}` },
    );
  }

  test(
    'a package dropped in runs, one removed is stopped, and the same again keeps its agent id',
    async () => {
      const draft = { folder: 'door_agent', name: 'DoorAgent', domain: 'door' };
      const dropped = performance.now();
      const path = writePackage(shared.product.agentsDir, draft);
      const agent = await shared.product.waitForAgent('DoorAgent');
      console.log(`dropped package heartbeats after ${Math.round(performance.now() - dropped)} ms`);
      expect(agent.agent_id).toMatch(/^door-/);
      expect(await packageBecomes('door_agent', 'running')).toMatchObject({
        name: 'DoorAgent',
        version: '1.0.0',
        agent_id: agent.agent_id,
        errors: [],
      });
      await provoke('door', 'door_agent failed', 'DoorAgent');

      rmSync(path, { recursive: true });
      const removed = await shared.product.waitForAgent(
        'DoorAgent',
        ({ status }) => status === 'removed',
      );
      expect(removed.agent_id).toBe(agent.agent_id);
      await waitFor(() => !existsSync(`/proc/${agent.pid}`), {
        timeoutMs: limits.waitMs,
        what: 'the end of the removed agent',
      });
      expect(await packageOf('door_agent')).toBeUndefined();

      writePackage(shared.product.agentsDir, draft);
      const again = await shared.product.waitForAgent('DoorAgent');
      expect(again).toMatchObject({ agent_id: agent.agent_id, restarts: 0 });
      await provoke('door', 'door_agent failed again', 'DoorAgent');
    },
    limits.agentsMs * 2,
  );

  test('a hostile package is listed invalid, with code and line', async () => {
    writePackage(shared.product.agentsDir, {
      folder: 'evil_agent',
      name: '',
      discovery: [
        '# innocent',
        'AGENT_NAME=$(touch /tmp/owned)',
        'AGENT_VERSION=1.0.0',
        'AGENT_DESCRIPTION=x',
        'DEFAULT_SUBSCRIBED_TOPICS=opmas.control.SecurityAgent',
        'DEFAULT_FINDINGS_TOPIC=findings.security',
        'NODE_OPTIONS=--require=/tmp/evil.js',
        '',
      ].join('\n'),
    });
    const { errors, agent_id } = await packageBecomes('evil_agent', 'invalid');
    expect(agent_id).toBeNull();
    expect(new Set(errors.map(({ line }) => line))).toEqual(new Set([2, 5, 7]));
    for (const { code, message } of errors) {
      expect(code).toMatch(/^[a-z_]+$/);
      expect(message).not.toBe('');
    }
  });

  test('a package with the name of another is invalid, and the first one stays', async () => {
    writePackage(shared.product.agentsDir, { folder: 'copycat_agent', name: 'SecurityAgent' });
    const { errors } = await packageBecomes('copycat_agent', 'invalid');
    expect(errors).toMatchObject([{ code: 'name_taken', line: 1 }]);
  });

  test(
    'an agent that throws while it is imported fails with the reason',
    async () => {
      writePackage(shared.product.agentsDir, {
        folder: 'broken_agent',
        name: 'BrokenAgent',
        code: "throw new Error('no such luck');\n",
      });
      const agent = await shared.product.waitForAgent(
        'BrokenAgent',
        ({ status }) => status === 'failed',
      );
      expect(agent.reason).toContain('no such luck');
      expect(agent.last_heartbeat).toBeNull();
      rmSync(`${shared.product.agentsDir}/broken_agent`, { recursive: true });
      await shared.product.waitForAgent('BrokenAgent', ({ status }) => status === 'removed');
    },
    limits.agentsMs * 2,
  );

  test(
    'a scaffolded package runs as it is',
    async () => {
      scaffoldAgent({ name: 'gate_agent', dir: shared.product.agentsDir, kind: 'code' });
      await shared.product.waitForAgent('GateAgent');
      const [finding] = await provoke('system', 'Example failure of unit 9', 'GateAgent');
      expect(finding).toMatchObject({ type: 'example_failure', topic: 'findings.gate' });
    },
    limits.agentsMs,
  );

  test(
    'a new rule is matched by the running agent; a bad one is refused',
    async () => {
      writePackage(shared.product.agentsDir, {
        folder: 'rule_agent',
        name: 'RuleAgent',
        domain: 'rules',
      });
      const before = await shared.product.waitForAgent('RuleAgent');
      const path = `/api/v1/agents/${before.agent_id}/config`;
      const put = await shared.product.call('PUT', path, {
        body: { rules: [rule('fresh', 'fresh smoke')] },
      });
      expect(put.status).toBe(200);
      const { version, hash } = checked(
        Type.Object({ version: Type.Integer(), hash: Type.String() }),
        put.body,
        'PUT config',
      );
      expect(version).toBe(1);
      await waitFor(
        async () =>
          (await shared.product.read(Running, `/agents/${before.agent_id}/config/delivery`))
            .running_hash === hash,
        { timeoutMs: limits.agentsMs, what: 'the configuration running' },
      );
      const agent = await shared.product.waitForAgent('RuleAgent');
      expect(agent.config_hash).toBe(hash);
      const [finding] = await waitFor(() => provoke('rules', 'fresh smoke', 'RuleAgent'), {
        timeoutMs: limits.agentsMs,
      });
      expect(finding?.details).toMatchObject({ rule_id: 'fresh', matched_pattern: 'fresh smoke' });
      expect(agent.pid).toBe(before.pid);
      expect((await shared.product.agent('RuleAgent')).restarts).toBe(0);

      const bad = await shared.product.call('PUT', path, {
        body: { rules: [{ ...rule('bad', '(a+)+$'), kind: 'regex', severity: 'loud' }] },
      });
      expect(bad.status).toBe(400);
      expect(bad.body).toMatchObject({
        code: 'OPMAS_INVALID_CONFIGURATION',
        errors: [{ path: 'rules[0].severity' }],
      });
      expect((await shared.product.call('GET', path)).body).toMatchObject({ version: 1, hash });
    },
    limits.agentsMs * 2,
  );

  test(
    'stop, start and restart are followed to the end',
    async () => {
      const { agent_id, pid: first } = await shared.product.waitForAgent('GateAgent');
      expect(await shared.product.command(agent_id, 'stop')).toMatchObject({
        state: 'done',
        reason: null,
      });
      const stopped = await shared.product.waitForAgent(
        'GateAgent',
        ({ status }) => status === 'stopped',
      );
      expect(stopped).toMatchObject({ desired: 'stopped', pid: null });
      expect(existsSync(`/proc/${first}`)).toBe(false);

      expect(await shared.product.command(agent_id, 'start')).toMatchObject({ state: 'done' });
      const { pid: second } = await shared.product.waitForAgent('GateAgent');
      expect(await shared.product.command(agent_id, 'restart')).toMatchObject({ state: 'done' });
      const restarted = await shared.product.waitForAgent(
        'GateAgent',
        (agent) => isWell(agent) && agent.pid !== null && agent.pid !== second,
      );
      expect(restarted.restarts).toBe(0);
      await provoke('system', 'Example failure of unit 10', 'GateAgent');
    },
    limits.agentsMs * 3,
  );

  test(
    'a deleted agent stays away until its package is approved again',
    async () => {
      const { agent_id, pid } = await shared.product.waitForAgent('GateAgent');
      expect((await shared.product.call('DELETE', `/api/v1/agents/${agent_id}`)).status).toBe(204);
      await packageBecomes('gate_agent', 'ignored');
      await waitFor(() => !existsSync(`/proc/${pid}`), { timeoutMs: limits.waitMs });
      expect(await shared.product.agent('GateAgent')).toMatchObject({ status: 'removed' });
      const scan = await shared.product.call('POST', '/api/v1/packages/scan');
      expect(scan.status).toBe(202);
      const approved = await shared.product.call('POST', '/api/v1/packages/gate_agent/approve');
      expect(approved.status).toBe(200);
      const back = await shared.product.waitForAgent('GateAgent');
      expect(back.agent_id).toBe(agent_id);
      await provoke('system', 'Example failure of unit 11', 'GateAgent');
    },
    limits.agentsMs * 2,
  );
}
