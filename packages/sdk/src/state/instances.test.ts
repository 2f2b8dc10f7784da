/** Two instances of an agent on one machine: one counts, the other takes over, and what is told is told once. */
import { publishDurable } from '@opmas/bus';
import { waitFor } from '@opmas/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type AgentProcess, event, World } from '../test/world.ts';

const WAIT = { timeoutMs: 60_000 };

let world: World;
beforeEach(async () => {
  world = await World.start();
  await world.ensureConsumers(1_000);
});
afterEach(() => world.stop());

const RULES = [
  {
    id: 'burst',
    name: 'Burst',
    kind: 'threshold',
    pattern: 'failed',
    group_by: ['host'],
    count: 4,
    within_seconds: 3_600,
    severity: 'warning',
    action: 'alert',
  },
];

test(
  'the second instance stands by, goes on where a killed one was, and counts nothing twice',
  async () => {
    world.config = { subscribed_topics: world.topics, rules: RULES };
    const findings = world.collect(world.findingsTopic);
    const heartbeats = world.collect(`opmas.heartbeat.${world.agentName}`);
    const packageDir = world.package({ 'rules.json': '[]' });
    const beats = (instance: string) =>
      waitFor(() => heartbeats.some((one) => one['instance_id'] === instance), {
        ...WAIT,
        what: `a heartbeat of ${instance}`,
      });
    const standsBy = (agent: AgentProcess) =>
      waitFor(() => agent.log().includes('stands by'), { ...WAIT, what: 'the one that waits' });

    const first = world.launch(packageDir, { token: world.newToken(), instanceId: 'first' });
    await beats('first');
    const second = world.launch(packageDir, { instanceId: 'second' });
    await beats('second');
    await standsBy(second);

    const send = (name: string, ...events: object[]) =>
      publishDurable(world.admin, 'logs.auth', JSON.stringify(events), { msgId: name });
    const failed = (id: string) => event('failed', { event_id: id, host: 'ap-1' });
    const [a, b, c] = [failed('a'), failed('b'), failed('c')];
    await send('one', a, b);
    await send('two', c);
    await waitFor(async () => (await unfinished()) === 0, {
      ...WAIT,
      what: 'three events counted',
    });

    first.child.kill('SIGKILL');
    await first.exited();
    // The batch comes again, in another message, and then what completes the window.
    await send('again', a, b);
    await send('last', failed('d'), failed('e'));
    await waitFor(() => findings.length > 0, { ...WAIT, what: second.log() });
    await waitFor(async () => (await unfinished()) === 0, { ...WAIT, what: 'all events' });
    expect(findings).toHaveLength(1);
    expect(findings[0]).toMatchObject({
      details: { event_id: 'd', window: { count: 4, first_event_id: 'a', by: 'ap-1' } },
    });
  },
  WAIT.timeoutMs * 3,
);

async function unfinished(): Promise<number> {
  const answer = await world.admin.request(`$JS.API.CONSUMER.INFO.EVENTS.${world.agentName}=auth`);
  const { num_pending, num_ack_pending } = answer.json() as Record<string, number>;
  return (num_pending ?? 1) + (num_ack_pending ?? 1);
}
