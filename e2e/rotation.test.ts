/** One agent's credentials change hands again and again under load: no event and no finding is lost or doubled. */
import { setTimeout as delay } from 'node:timers/promises';
import { AuditRecord, MetricSeries, Page } from '@opmas/protocol';
import { waitFor } from '@opmas/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DOMAINS, LINES, startLedger } from './chaos-ledger.ts';
import { limits } from './limits.ts';
import { rule, writePackage } from './package-files.ts';
import { type Product, startProduct } from './product.ts';

/** The SDK's own test has a hundred; `OPMAS_TEST_ROTATIONS=100` makes it as many on the whole product. */
const ROTATIONS = Number(process.env['OPMAS_TEST_ROTATIONS'] ?? 20);
const EVENTS_PER_SECOND = 1_000;
/** Acknowledged between two rotations: each meets the agent at full work. */
const EVENTS_BETWEEN = 200;
/** How long a rotation is waited for before the next change. */
const ROTATION_MS = 5_000;
/** Until what a busy machine left in queues is worked off. */
const DRAIN_MS = 180_000;
const POLL_MS = 25;

const AGENT = 'Rotating';
const TOPICS = DOMAINS.map((domain) => `logs.${domain}`);
/** Comes and goes: a topic more or less needs other credentials, so the agent renews them at once. */
const EXTRA = 'logs.rotation';

let product: Product;
beforeAll(async () => {
  product = await startProduct({ agents: [] });
  writePackage(product.agentsDir, {
    folder: 'rotating',
    name: AGENT,
    discovery: [
      `AGENT_NAME=${AGENT}`,
      'AGENT_VERSION=1.0.0',
      'AGENT_DESCRIPTION=Reads every domain, each of its events matches one rule',
      `DEFAULT_SUBSCRIBED_TOPICS=${TOPICS.join(',')}`,
      'DEFAULT_FINDINGS_TOPIC=findings.rotation',
      '',
    ].join('\n'),
    rules: DOMAINS.map((domain) => rule(domain, LINES[domain])),
  });
  await product.waitForAgents(1);
}, limits.startMs + limits.agentsMs);

afterAll(() => product?.stop(), limits.stopMs * 2);

/** Renewals the server has granted since its start. */
async function renewals(): Promise<number> {
  const { body } = await product.call('GET', '/metrics');
  const line = String(body)
    .split('\n')
    .find(
      (each) =>
        each.startsWith('opmas_call_seconds_count{') &&
        each.includes('"agents.credentials"') &&
        each.includes('"ok"'),
    );
  return line === undefined ? 0 : Number(line.split(' ').at(-1));
}

async function configure(agentId: string, config: object): Promise<void> {
  const { status, body } = await product.call('PUT', `/api/v1/agents/${agentId}/config`, {
    body: config,
  });
  if (status !== 200) throw new Error(`PUT config: ${status} ${JSON.stringify(body)}`);
}

/** Renewals on record since `from`, of this agent. */
async function recorded(agentId: string, from: string): Promise<number> {
  const query = `action=agents.credentials&outcome=ok&object=${agentId}&from=${from}&limit=500`;
  const { items } = await product.read(Page(AuditRecord), `/audit?${query}`);
  return items.length;
}

/** The agent's own count of what it has processed, as it was last told: the API averages over a step. */
async function processed(agentId: string): Promise<number> {
  const from = new Date(Date.now() - 60_000).toISOString();
  const { series } = await product.read(
    MetricSeries,
    `/agents/${agentId}/metrics?name=events_processed&step=1&from=${from}`,
  );
  return Math.max(0, ...series.flatMap(({ points }) => points.map(([, value]) => value)));
}

test(`${ROTATIONS} rotations under 1,000 events a second`, {
  timeout: ROTATIONS * 2_000 + DRAIN_MS * 2,
}, async () => {
  const { agent_id } = await product.agent(AGENT);
  const monitoring = { metrics_interval: 1 };
  await configure(agent_id, { monitoring });
  const from = new Date().toISOString();
  const began = performance.now();
  const ledger = startLedger({
    url: () => product.url,
    token: () => product.token,
    eventsPerSecond: EVENTS_PER_SECOND,
    matchEvery: 1,
  });
  await ledger.nextAcknowledgement();

  const start = await renewals();
  let changes = 0;
  for (let done = 0; done < ROTATIONS; done = (await renewals()) - start) {
    if (changes >= ROTATIONS * 2) throw new Error(`${done} rotations after ${changes} changes`);
    const subscribed_topics = changes % 2 === 0 ? [...TOPICS, EXTRA] : TOPICS;
    await configure(agent_id, { monitoring, subscribed_topics });
    changes += 1;
    // On a busy machine the agent may hear of two changes as one: the next change follows all the same.
    const until = performance.now() + ROTATION_MS;
    while ((await renewals()) - start <= done && performance.now() < until) await delay(POLL_MS);
    await ledger.moreAcknowledged(EVENTS_BETWEEN);
  }
  const seconds = (performance.now() - began) / 1_000;
  await ledger.stop();
  expect(ledger.faults).toEqual([]);
  const events = ledger.acknowledged;
  expect(ledger.expected.size).toBe(events);

  await waitFor(async () => (await processed(agent_id)) >= events, {
    timeoutMs: DRAIN_MS,
    pollMs: 250,
    what: `${events} events processed`,
  });
  let findings = await product.findings();
  await waitFor(
    async () => {
      findings = await product.findings();
      return findings.length >= events;
    },
    { timeoutMs: DRAIN_MS, pollMs: 500, what: `${events} findings` },
  );
  const drained = (performance.now() - began) / 1_000;
  const rotations = await recorded(agent_id, from);
  console.log(
    `${rotations} rotations by ${changes} changes in ${seconds.toFixed(1)} s, ${events} events ` +
      `(${Math.round(events / seconds)}/s, ${ledger.retried} batches sent again), ` +
      `${findings.length} findings, everything in the table after ${drained.toFixed(1)} s`,
  );
  expect(rotations).toBeGreaterThanOrEqual(ROTATIONS);
  // As often as sent: no event was given to the agent a second time.
  expect(await processed(agent_id)).toBe(events);
  const about = findings.map(({ details }) => String(details['event_id']));
  expect(new Set(about)).toEqual(ledger.expected);
  expect(about).toHaveLength(events);

  // The same process throughout, and nothing in its records says that the broker had turned it away.
  const agent = await product.agent(AGENT);
  expect(agent).toMatchObject({ status: 'running', restarts: 0, conditions: [] });
});
