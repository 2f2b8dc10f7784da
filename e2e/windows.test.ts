/** Rules that count over time on the running product: what they counted outlives kill -9, and fires once. */
import { type FindingRecord, isPlainObject } from '@opmas/protocol';
import { waitFor } from '@opmas/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { limits } from './limits.ts';
import { writePackage } from './package-files.ts';
import { isWell, type Product, startProduct } from './product.ts';

const AGENT = 'BurstAgent';
const KILLS = 3;

const base = { severity: 'warning', action: 'alert', pattern_kind: 'regex' };
const RULES = [
  // Counted like the others: its finding says that what came before is kept.
  {
    ...base,
    id: 'marker',
    name: 'Marker',
    kind: 'threshold',
    pattern: 'marker (?<name>\\S+)',
    group_by: ['name'],
    count: 2,
    within_seconds: 3_600,
  },
  {
    ...base,
    id: 'burst',
    name: 'Burst',
    kind: 'threshold',
    pattern: 'login failed from (?<ip>\\S+)',
    group_by: ['ip'],
    count: KILLS + 1,
    within_seconds: 3_600,
  },
  {
    ...base,
    id: 'scan',
    name: 'Scan',
    kind: 'distinct',
    pattern: 'probe of port (?<port>\\d+) from (?<ip>\\S+)',
    group_by: ['ip'],
    distinct_by: 'port',
    count: 3,
    within_seconds: 3_600,
  },
  {
    ...base,
    id: 'flap',
    name: 'Flapping',
    kind: 'sequence',
    pattern: 'link (?<port>\\w+) down',
    followed_by: { pattern: 'link (?<port>\\w+) up', pattern_kind: 'regex' },
    group_by: ['port'],
    count: 2,
    within_seconds: 3_600,
  },
  {
    ...base,
    id: 'unanswered',
    name: 'Unanswered',
    kind: 'absence',
    pattern: 'request (?<number>\\d+)',
    followed_by: { pattern: 'answer (?<number>\\d+)', pattern_kind: 'regex' },
    group_by: ['number'],
    within_seconds: 20,
  },
];

let product: Product;

beforeAll(async () => {
  product = await startProduct({ agents: [] });
  writePackage(product.agentsDir, {
    folder: 'burst_agent',
    name: AGENT,
    domain: 'burst',
    rules: RULES,
  });
  await product.waitForAgent(AGENT);
}, limits.startMs + limits.agentsMs);

afterAll(() => product?.stop(), limits.stopMs * 2);

async function post(...events: { event_id: string; message: string }[]): Promise<void> {
  const { status } = await product.call('POST', '/api/v1/events?domain=burst', { body: events });
  expect(status).toBe(202);
}

async function findingsOf(ruleId: string): Promise<FindingRecord[]> {
  return (await product.findings()).filter(({ details }) => details['rule_id'] === ruleId);
}

/** Everything posted before, and come to the agent that runs now, has been counted and is kept. */
async function counted(marker: string): Promise<void> {
  const message = `marker ${marker}`;
  await post({ event_id: `${marker}-1`, message }, { event_id: `${marker}-2`, message });
  await waitFor(
    async () => (await findingsOf('marker')).some((finding) => windowOf(finding)['by'] === marker),
    { timeoutMs: limits.agentsMs, what: `the finding of ${marker}` },
  );
}

/** kill -9, without waiting for what the agent has in hand. */
async function kill(): Promise<void> {
  const { pid } = await product.waitForAgent(AGENT, (agent) => isWell(agent) && agent.pid !== null);
  if (pid === null) throw new Error('the agent has no process');
  process.kill(pid, 'SIGKILL');
  await product.waitForAgent(
    AGENT,
    (agent) => isWell(agent) && agent.pid !== null && agent.pid !== pid,
  );
}

function windowOf(finding: FindingRecord | undefined): Record<string, unknown> {
  const window = finding?.details['window'];
  return isPlainObject(window) ? window : {};
}

test(
  'each kind fires once though the agent is killed between any two events, and events come again',
  async () => {
    const failed = (n: number) => ({
      event_id: `failed-${n}`,
      message: 'login failed from 203.0.113.9',
    });
    const parts = [
      [
        { event_id: 'port-22', message: 'probe of port 22 from 203.0.113.9' },
        { event_id: 'down-1', message: 'link wan down' },
        { event_id: 'request-1', message: 'request 1' },
        { event_id: 'request-2', message: 'request 2' },
      ],
      [
        { event_id: 'port-80', message: 'probe of port 80 from 203.0.113.9' },
        { event_id: 'up-1', message: 'link wan up' },
        { event_id: 'answer-2', message: 'answer 2' },
      ],
      [
        { event_id: 'down-2', message: 'link wan down' },
        { event_id: 'port-80-again', message: 'probe of port 80 from 203.0.113.9' },
      ],
    ];
    for (let n = 0; n < KILLS; n += 1) {
      // One way the agent had time for them, the other way it had not.
      await post(failed(n), ...(parts[n] ?? []));
      if (n % 2 === 0) await counted(`before-${n}`);
      await kill();
      // They come again in another batch: the same batch the broker would store only once.
      const other = { event_id: `other-${n}`, message: 'nothing' };
      await post(failed(n), ...(parts[n] ?? []), other);
      // What the killed one had in hand comes half a minute later, out of its order; this came in order.
      await counted(`again-${n}`);
    }
    expect(await findingsOf('burst')).toEqual([]);
    expect(await findingsOf('scan')).toEqual([]);
    expect(await findingsOf('flap')).toEqual([]);

    await post(
      failed(KILLS),
      { event_id: 'up-2', message: 'link wan up' },
      { event_id: 'port-443', message: 'probe of port 443 from 203.0.113.9' },
    );
    await counted('the-last');
    await kill();
    await post(failed(KILLS), { event_id: 'up-2', message: 'link wan up' });
    await counted('after');

    const burst = await findingsOf('burst');
    expect(burst).toHaveLength(1);
    expect(windowOf(burst[0])).toMatchObject({
      kind: 'threshold',
      by: '203.0.113.9',
      count: KILLS + 1,
      first_event_id: 'failed-0',
      last_event_id: `failed-${KILLS}`,
    });
    const scan = await findingsOf('scan');
    expect(scan).toHaveLength(1);
    expect(windowOf(scan[0])).toMatchObject({ count: 3, values: ['22', '80', '443'] });
    const flap = await findingsOf('flap');
    expect(flap).toHaveLength(1);
    expect(windowOf(flap[0])).toMatchObject({
      count: 2,
      first_event_id: 'down-1',
      last_event_id: 'up-2',
    });
    await waitFor(async () => (await findingsOf('unanswered')).length > 0, {
      timeoutMs: limits.agentsMs,
      what: 'the finding of what was not answered',
    });
    const unanswered = await findingsOf('unanswered');
    expect(unanswered.map((finding) => windowOf(finding)['by'])).toEqual(['1']);
  },
  limits.agentsMs * (KILLS + 4),
);
