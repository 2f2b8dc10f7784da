/** Configurations on the running product: taken over, refused, given up, and never lost on the way. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Type } from '@opmas/protocol';
import { waitFor } from '@opmas/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { limits } from './limits.ts';
import type { SharedProduct } from './shared-product.ts';

const TEST_MS = limits.agentsMs * 2;

const Fault = Type.Object({ path: Type.String(), message: Type.String() });
const Delivery = Type.Object({
  state: Type.String(),
  reason: Type.Union([Type.String(), Type.Null()]),
  desired_hash: Type.String(),
  running_hash: Type.Union([Type.String(), Type.Null()]),
  errors: Type.Array(Fault),
  left_behind: Type.Array(Type.Object({ topic: Type.String(), unread: Type.Integer() })),
  failed: Type.Array(Type.Object({ hash: Type.String() })),
});

/** Takes some configurations, refuses others, and one of them ends it. */
const PICKY = `
import { BaseAgent } from '@opmas/sdk';
export default class Picky extends BaseAgent {
  override validateConfig(document = this.config.value) {
    return document.limit > 10 ? [{ path: 'limit', message: 'is more than 10' }] : [];
  }
  override async configChanged() {
    if (this.config.get('explode') === true) setTimeout(() => process.exit(3), 200);
  }
}`;

export function configDeliverySuite(shared: SharedProduct): void {
  let agentId = '';

  beforeAll(async () => {
    const dir = join(shared.product.agentsDir, 'picky_agent');
    mkdirSync(dir);
    writeFileSync(join(dir, 'agent.ts'), PICKY);
    writeFileSync(
      join(dir, '.env.discovery'),
      'AGENT_NAME=PickyAgent\nAGENT_VERSION=1.0.0\nAGENT_DESCRIPTION=Test\nAGENT_TYPE=picky\n' +
        'DEFAULT_SUBSCRIBED_TOPICS=logs.security\nDEFAULT_FINDINGS_TOPIC=findings.security\n',
    );
    agentId = (await shared.product.waitForAgent('PickyAgent')).agent_id;
  }, limits.agentsMs);

  /** The suites after it have a fleet of their own. */
  afterAll(async () => {
    rmSync(join(shared.product.agentsDir, 'picky_agent'), { recursive: true });
    await shared.product.waitForAgent('PickyAgent', ({ status }) => status === 'removed');
  }, limits.agentsMs);

  async function put(body: object): Promise<string> {
    const answer = await shared.product.call('PUT', `/api/v1/agents/${agentId}/config`, { body });
    if (answer.status !== 200) throw new Error(JSON.stringify(answer.body));
    return (answer.body as { hash: string }).hash;
  }

  const delivery = () => shared.product.read(Delivery, `/agents/${agentId}/config/delivery`);

  function becomes(state: string, hash: string) {
    return waitFor(
      async () => {
        const now = await delivery();
        return now.state === state && now.desired_hash === hash ? now : undefined;
      },
      { timeoutMs: limits.agentsMs, what: `${hash.slice(0, 8)} ${state}` },
    );
  }

  const rule = (pattern: string) => ({
    id: pattern,
    name: pattern,
    pattern,
    severity: 'warning',
    action: 'alert',
  });

  async function findsIn(message: string, domain = 'security'): Promise<boolean> {
    await shared.product.call('POST', `/api/v1/events?domain=${domain}`, { body: [{ message }] });
    const found = await waitFor(
      async () =>
        (await shared.product.findings()).find((f) => JSON.stringify(f).includes(message)),
      { timeoutMs: limits.waitMs, what: `a finding about ${message}` },
    );
    return found !== undefined;
  }

  test('a change is applied and its rules are in force', { timeout: TEST_MS }, async () => {
    const hash = await put({ rules: [rule('needle')] });
    expect(await becomes('applied', hash)).toMatchObject({ running_hash: hash, reason: null });
    expect(await findsIn('a needle 1')).toBe(true);
    expect((await shared.product.agent('PickyAgent')).conditions).toEqual([]);
  });

  test('what the agent will not have is rejected with its path, and the old rules go on', {
    timeout: TEST_MS,
  }, async () => {
    const before = (await delivery()).running_hash;
    const hash = await put({ rules: [rule('other')], limit: 99 });
    expect(await becomes('rejected', hash)).toMatchObject({
      running_hash: before,
      errors: [{ path: 'limit', message: 'is more than 10' }],
    });
    // Beside what the agent says of itself: it is degraded for a while after a refusal.
    const told = async () =>
      (await shared.product.agent('PickyAgent')).conditions
        .map(({ type }) => type)
        .filter((type) => type.startsWith('config_'));
    expect(await told()).toEqual(['config_rejected']);
    expect(await findsIn('a needle 2')).toBe(true);
    const good = await put({ rules: [rule('needle')], limit: 9 });
    await becomes('applied', good);
    expect(await told()).toEqual([]);
  });

  test('a changed topic is read at once, with credentials of its own; a removed one says what it left', {
    timeout: TEST_MS,
  }, async () => {
    const rules = [rule('needle')];
    const more = await put({ rules, subscribed_topics: ['logs.security', 'logs.wifi'] });
    await becomes('applied', more);
    expect(await findsIn('a needle in wifi', 'wifi')).toBe(true);
    const fewer = await put({ rules, subscribed_topics: ['logs.security'] });
    await becomes('applied', fewer);
    const { left_behind } = await waitFor(
      async () => {
        const now = await delivery();
        return now.left_behind.length > 0 ? now : undefined;
      },
      { timeoutMs: limits.waitMs, what: 'what was left behind' },
    );
    // Its last message may be waiting for its acknowledgement to arrive.
    expect(left_behind.map(({ topic }) => topic)).toEqual(['logs.wifi']);
    expect(left_behind[0]?.unread).toBeLessThanOrEqual(1);
  });

  test('an agent killed while it is told converges when it is back', {
    timeout: TEST_MS,
  }, async () => {
    const { pid } = await shared.product.agent('PickyAgent');
    const hash = await put({ rules: [rule('needle')], limit: 8 });
    process.kill(pid ?? 0, 'SIGKILL');
    await becomes('applied', hash);
    expect(await findsIn('a needle 3')).toBe(true);
  });

  test('a server killed after it took a change delivers it when it is back', {
    timeout: TEST_MS,
  }, async () => {
    const hash = await put({ rules: [rule('needle')], limit: 7 });
    process.kill(shared.product.pidOf('server'), 'SIGKILL');
    await waitFor(
      async () =>
        (await shared.product.call('GET', '/health/live').catch(() => undefined))?.status === 200,
      { timeoutMs: limits.startMs, what: 'the server' },
    );
    await becomes('applied', hash);
  });

  test('one that ends the agent again and again is given up: it runs the last good one, and says why', {
    timeout: TEST_MS,
  }, async () => {
    const good = await put({ rules: [rule('needle')], limit: 6 });
    await becomes('applied', good);
    // Proven, so that it is what the agent goes back to.
    const kept = join(shared.product.dataDir, 'agents', agentId, 'config.json');
    await waitFor(
      () => {
        const { current } = JSON.parse(readFileSync(kept, 'utf8')) as {
          current: { hash: string; healthy: boolean };
        };
        return current.hash === good && current.healthy;
      },
      { timeoutMs: limits.waitMs, what: 'proof' },
    );
    const hash = await put({ rules: [rule('needle')], limit: 6, explode: true });
    const rejected = await becomes('rejected', hash);
    expect(rejected.reason).toContain('before it was well with this configuration');
    expect(rejected.failed).toMatchObject([{ hash }, {}]);
    await waitFor(async () => (await delivery()).running_hash === good, {
      timeoutMs: limits.waitMs,
      what: 'the last good one',
    });
    expect(await findsIn('a needle 4')).toBe(true);
    await becomes('applied', await put({ rules: [rule('needle')], limit: 5 }));
  });
}
