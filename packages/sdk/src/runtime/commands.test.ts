/** Whom a running agent obeys, and that new rights are asked for after they were given. */
import { streams, subjects } from '@opmas/protocol';
import { waitFor } from '@opmas/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { BaseAgent } from '../base-agent.ts';
import { World } from '../test/world.ts';
import { constructWith } from './ambient.ts';
import { createRuntime } from './connected.ts';
import type { AgentRuntime } from './runtime.ts';

const LONG = { timeoutMs: 30_000 };

let world: World;
let runtime: AgentRuntime;
let agent: BaseAgent;
beforeEach(async () => {
  world = await World.start();
  runtime = createRuntime({
    agentId: world.agentId,
    managementUrl: world.url,
    agentName: world.agentName,
    token: world.newToken(),
    stateDir: world.stateDir,
    packageDefaults: { subscribed_topics: world.topics, findings_topic: world.findingsTopic },
    stdout: () => undefined,
  });
  agent = constructWith(runtime, () => new BaseAgent(world.agentId, world.url));
  await agent.start();
});
afterEach(async () => {
  await agent.stop();
  await world.stop();
});

test('X14 a stored message that the broker is made to send as a command is not obeyed', async () => {
  const { admin } = world;
  const control = subjects.control(world.agentName);
  const { name: stream } = streams.findings;
  const stop = JSON.stringify({ command: 'stop', timestamp: new Date().toISOString() });
  const planted = await admin.request('findings.planted', stop);
  const { seq } = planted.json() as { seq: number };
  const consumer = { stream_name: stream, config: { durable_name: 'deputy', ack_policy: 'none' } };
  await admin.request(
    `$JS.API.CONSUMER.DURABLE.CREATE.${stream}.deputy`,
    JSON.stringify({ ...consumer, config: { ...consumer.config, deliver_policy: 'all' } }),
  );
  const lines = world.collect(subjects.agentLogs(world.agentName));
  await admin.flush();
  // Whoever may ask JetStream for anything may name any subject for the answer.
  admin.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.deputy`, '{"batch":1}', { reply: control });
  admin.publish(`$JS.API.DIRECT.GET.${stream}`, JSON.stringify({ seq }), { reply: control });
  await waitFor(
    () => lines.filter(({ message }) => String(message).includes('stored message')).length === 2,
    LONG,
  );
  expect(await world.command({ command: 'health' })).toMatchObject({ ok: true });
});

test('rights asked for while a renewal is under way are renewed after it', async () => {
  const renewals = () => world.calls.filter((call) => call.includes('/credentials 200')).length;
  const before = renewals();
  const first = runtime.renewAccess();
  await new Promise((resolve) => setImmediate(resolve));
  // Both mean rights that the first may not have seen; one renewal serves them.
  await Promise.all([first, runtime.renewAccess(), runtime.renewAccess()]);
  expect(renewals() - before).toBe(2);
});
