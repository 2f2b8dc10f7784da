/** Credentials change hands a hundred times under load: nothing is lost, nothing comes twice. */
import { BatchPublisher, ensureConsumer, fetchBatches, publishDurable } from '@opmas/bus';
import { type LogEvent, streams } from '@opmas/protocol';
import { waitFor } from '@opmas/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BaseAgent } from '../base-agent.ts';
import { event, World } from '../test/world.ts';
import { constructWith } from './ambient.ts';
import { createRuntime } from './connected.ts';
import type { AgentRuntime } from './runtime.ts';

const ROTATIONS = 100;
/** Events a second, in batches of so many milliseconds; every fifth makes a finding. */
const RATE = 1_000;
const BATCH_MS = 20;
const FINDING_EACH = 5;
const LONG = { timeoutMs: 60_000 };

let world: World;
beforeEach(async () => {
  world = await World.start();
});
afterEach(() => world.stop());

class CountingAgent extends BaseAgent {
  readonly seen = new Map<string, number>();

  override async processEvent(given: LogEvent): Promise<void> {
    this.seen.set(given.event_id, (this.seen.get(given.event_id) ?? 0) + 1);
    if (given.fields?.['finding'] !== true) return;
    await this.publishFinding(
      this.createFinding({ type: 'marked', severity: 'info', description: 'marked' }),
    );
  }
}

function agentOf(runtime: AgentRuntime): CountingAgent {
  return constructWith(runtime, () => new CountingAgent(world.agentId, world.url));
}

/** Sends at the rate until it is told to stop; answers the ids the broker has acknowledged. */
function load(topic: string): () => Promise<string[]> {
  const publisher = new BatchPublisher(world.admin);
  const sent: string[] = [];
  const writes: Promise<unknown>[] = [];
  const began = performance.now();
  const timer = setInterval(() => {
    // By the clock, not by the ticks: a busy machine must not make the load smaller.
    const due = Math.floor(((performance.now() - began) * RATE) / 1_000) - sent.length;
    const events = Array.from({ length: due }, (_, n) => {
      const made = event('m', { fields: { finding: (sent.length + n) % FINDING_EACH === 0 } });
      return made;
    });
    if (events.length === 0) return;
    for (const { event_id } of events) sent.push(String(event_id));
    const lines = events.map((each) => JSON.stringify(each));
    writes.push(
      publisher.publishBatch(topic, lines, `batch-${sent.length}`, { timeoutMs: 30_000 }),
    );
  }, BATCH_MS);
  return async () => {
    clearInterval(timer);
    await Promise.all(writes);
    await publisher.close();
    return sent;
  };
}

/** Ids of all stored findings, in their order. */
async function storedFindings(expected: number): Promise<string[]> {
  const stream = streams.findings.name;
  await ensureConsumer(world.admin, { stream, consumer: 'check', deliver: 'all' });
  const ids: string[] = [];
  const reading = fetchBatches(world.admin, {
    stream,
    consumer: 'check',
    maxMessages: 500,
    maxWaitMs: 50,
    onBatch: async (messages) => {
      for (const message of messages) {
        ids.push(
          (JSON.parse(Buffer.from(message.data).toString()) as { finding_id: string }).finding_id,
        );
        message.ack();
      }
    },
    onError: (error) => {
      throw error;
    },
  });
  // One behind the last: when it is there, so is everything before it.
  await publishDurable(world.admin, 'findings.end', '{"finding_id":"end"}', { msgId: 'end' });
  await waitFor(() => ids.includes('end'), {
    ...LONG,
    what: `${ids.length} of ${expected} findings`,
  });
  await reading.stop();
  return ids.filter((id) => id !== 'end');
}

test('a hundred rotations under 1,000 events a second: no event and no finding lost or doubled', async () => {
  const topic = world.topics[0] ?? '';
  const runtime = createRuntime({
    agentId: world.agentId,
    managementUrl: world.url,
    agentName: world.agentName,
    token: world.newToken(),
    stateDir: world.stateDir,
    packageDefaults: { subscribed_topics: world.topics, findings_topic: world.findingsTopic },
    stdout: () => undefined,
  });
  const agent = agentOf(runtime);
  await agent.start();
  const end = load(topic);
  await waitFor(() => agent.seen.size > 0, LONG);

  const times: number[] = [];
  const began = performance.now();
  for (let n = 0; n < ROTATIONS; n += 1) {
    const at = performance.now();
    await runtime.renewAccess();
    times.push(performance.now() - at);
  }
  const seconds = (performance.now() - began) / 1_000;
  const sent = await end();
  await waitFor(() => agent.seen.size === sent.length, {
    ...LONG,
    what: `${agent.seen.size} of ${sent.length} events`,
  });
  await agent.stop();

  times.sort((a, b) => a - b);
  console.log(
    `${ROTATIONS} rotations in ${seconds.toFixed(1)} s (median ${times[ROTATIONS / 2]?.toFixed(0)} ms, ` +
      `worst ${times.at(-1)?.toFixed(0)} ms), ${sent.length} events (${Math.round(sent.length / seconds)}/s)`,
  );
  expect([...agent.seen].filter(([, count]) => count !== 1)).toEqual([]);
  expect(sent.filter((id) => !agent.seen.has(id))).toEqual([]);
  const expected = Math.ceil(sent.length / FINDING_EACH);
  const findings = await storedFindings(expected);
  expect(findings).toHaveLength(expected);
  expect(new Set(findings).size).toBe(expected);
}, 180_000);
