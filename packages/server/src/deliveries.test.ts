/** A configuration ends in one of three visible states, always, on a whole server with agents at its broker. */
import { type Bus, consumerInfo, publishDurable } from '@opmas/bus';
import { type Agent, consumerName, streams } from '@opmas/protocol';
import { waitFor } from '@opmas/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { type SimulatedAgent, simulateAgent } from './features/deliveries/testing.ts';
import { sql } from './kernel/sql.ts';
import { LONG, registeredAgent, testBus } from './testing/fleet.ts';
import { type TestServer, testServer } from './testing/server.ts';

interface Delivery {
  state: string;
  reason: string | null;
  desired_hash: string;
  running_hash: string | null;
  healthy_hash: string | null;
  errors: { path: string; message: string }[];
  attempts: number;
  deadline: string | null;
  instances: { instance_id: string; running_hash: string | null }[];
  left_behind: { topic: string; unread: number }[];
  failed: { hash: string }[];
}

let server: TestServer;
let bus: Bus;
let agent: Agent;
let simulated: SimulatedAgent;
/** Registered together, as one look at the agents directory finds them all: each test takes one. */
let spare: Agent[];

beforeAll(async () => {
  server = await testServer({ env: { OPMAS_CONFIG_DEADLINE: '3s' } });
  bus = await testBus(server);
  spare = await Promise.all(
    Array.from({ length: 16 }, (_, n) => registeredAgent(server, `Delivered${n}`)),
  );
});
afterAll(async () => {
  await bus.close();
  await server.stop();
});
beforeEach(async () => {
  agent = another();
  await run();
  simulated = simulateAgent(bus, agent);
  await bus.flush();
});
afterEach(() => simulated.stop());

function another(): Agent {
  const taken = spare.shift();
  if (taken === undefined) throw new Error('too few agents were registered');
  return taken;
}

async function run(): Promise<void> {
  await sql`UPDATE agents SET status = 'running' WHERE id = ${agent.agent_id}`.execute(
    server.database.pool,
  );
}

const path = (rest: string) => `/api/v1/agents/${agent.agent_id}${rest}`;
const put = async (body: object) => {
  const answer = await server.call('PUT', path('/config'), { body });
  expect(answer.status).toBe(200);
  return (answer.body as { hash: string; version: number }) ?? {};
};
const delivery = async (): Promise<Delivery> =>
  (await server.call('GET', path('/config/delivery'))).body as Delivery;
const becomes = (state: string, hash?: string) =>
  waitFor(
    async () => {
      const now = await delivery();
      return now.state === state && (hash === undefined || now.desired_hash === hash)
        ? now
        : undefined;
    },
    { ...LONG, what: `${state} ${hash ?? ''}` },
  );
const conditions = async () =>
  ((await server.call('GET', path(''))).body as Agent).conditions.filter(({ type }) =>
    type.startsWith('config_'),
  );

test('a configuration that is taken over is applied, with nothing left to see on the agent', async () => {
  const { hash } = await put({ timeout: 11 });
  const applied = await becomes('applied', hash);
  expect(applied).toMatchObject({ running_hash: hash, reason: null, errors: [] });
  expect(applied.instances).toMatchObject([{ instance_id: 'i1', running_hash: hash }]);
  expect(simulated.heard.at(-1)).toMatchObject({
    command: 'update_config',
    payload: { hash, config: { processing: { timeout: 11 } } },
  });
  expect(await conditions()).toEqual([]);
});

test('what an agent was well with last is told as it says it', async () => {
  const { hash, version } = await put({ timeout: 10 });
  expect(await becomes('applied', hash)).toMatchObject({
    healthy_hash: null,
    healthy_version: null,
  });
  simulated.status({ healthy_hash: hash, healthy_version: version });
  const told = await waitFor(async () => {
    const now = await delivery();
    return now.healthy_hash === null ? undefined : now;
  }, LONG);
  expect(told).toMatchObject({
    healthy_hash: hash,
    healthy_version: version,
    instances: [{ healthy_hash: hash, healthy_version: version }],
  });
  // An agent of an older SDK does not say.
  simulated.status();
  const { hash: next } = await put({ timeout: 9 });
  expect(await becomes('applied', next)).toMatchObject({ healthy_hash: hash });
});

test('a refused one is rejected fault by fault, not offered again, until it is edited or asked for', async () => {
  const { hash: good, version } = await put({ timeout: 12 });
  await becomes('applied', good);
  simulated.faults = (_hash, config) =>
    (config['mode'] as string | undefined) === 'bad'
      ? [{ path: 'mode', message: 'is not one of mine' }]
      : [];
  const { hash: bad, version: badVersion } = await put({ mode: 'bad' });
  const rejected = await becomes('rejected', bad);
  expect(rejected).toMatchObject({
    reason: 'mode: is not one of mine',
    errors: [{ path: 'mode', message: 'is not one of mine' }],
    running_hash: good,
    failed: [{ hash: bad }],
  });
  expect(await conditions()).toMatchObject([
    { type: 'config_rejected', message: 'mode: is not one of mine' },
  ]);
  const heard = simulated.heard.length;
  simulated.beat();

  const back = await server.call('POST', path('/config/rollback'), { body: { version } });
  expect(back.status).toBe(200);
  await becomes('applied', good);
  expect(await conditions()).toEqual([]);
  // It never stopped running that one, and is told that the other is not wanted any more.
  expect(simulated.heard).toHaveLength(heard + 1);
  expect(simulated.heard.at(-1)?.payload).toMatchObject({ hash: good });

  // The same content again is the same hash: it is known to fail, and nobody is bothered with it.
  await server.call('POST', path('/config/rollback'), { body: { version: badVersion } });
  await becomes('rejected', bad);
  expect(simulated.heard).toHaveLength(heard + 1);

  simulated.faults = () => [];
  const retried = await server.call('POST', path('/config/delivery/retry'));
  expect(retried).toMatchObject({ status: 202, body: { state: 'pending', failed: [] } });
  await becomes('applied', bad);
  expect(simulated.heard.at(-1)?.payload).toMatchObject({ hash: bad, retry: true });
});

test('a message that was lost is sent again, and a lost answer is found in the heartbeat', async () => {
  await put({ timeout: 13 });
  await becomes('applied');
  simulated.deaf = true;
  const { hash } = await put({ timeout: 14 });
  await waitFor(async () => (await delivery()).attempts > 0, LONG);
  simulated.deaf = false;
  simulated.mute = true;
  simulated.beat();
  await waitFor(() => simulated.running === hash, LONG);
  simulated.beat();
  await becomes('applied', hash);
});

test('no answer within the deadline is expired and says why; a heartbeat later it converges', async () => {
  const { hash: before } = await put({ timeout: 15 });
  await becomes('applied', before);
  simulated.deaf = true;
  const { hash } = await put({ timeout: 16 });
  const expired = await becomes('expired', hash);
  expect(expired.reason).toContain(`Instance i1 has not answered and runs ${before.slice(0, 12)}`);
  expect(await conditions()).toMatchObject([{ type: 'config_expired' }]);
  simulated.deaf = false;
  simulated.beat();
  await becomes('applied', hash);
  expect(await conditions()).toEqual([]);
});

test('one that says nothing of what it runs is told all the same, and not shown as unwell', async () => {
  // Silent before anything is told to it: the one that was there may have answered already.
  await simulated.stop();
  agent = another();
  simulated = simulateAgent(bus, agent);
  simulated.mute = true;
  simulated.faults = () => [{ path: '', message: 'kept to itself' }];
  await bus.flush();
  await run();
  // Heard before the change, so that its deadline cannot be over sooner.
  await waitFor(async () => {
    simulated.beat();
    return (await delivery()).instances.length > 0;
  }, LONG);
  const heard = simulated.heard.length;
  const { hash } = await put({ timeout: 24 });
  await waitFor(() => simulated.heard.length > heard, LONG);
  const expired = await becomes('expired', hash);
  expect(expired.reason).toContain('does not say which configuration it runs');
  expect(await conditions()).toEqual([]);
});

test('a change of the runtime layer is told and confirmed like any other', async () => {
  const runtime = await server.call('PUT', path('/config/runtime'), {
    body: { log_level: 'DEBUG' },
  });
  expect(runtime.status).toBe(200);
  const applied = await becomes('applied');
  expect(simulated.running).toBe(applied.desired_hash);
  expect(simulated.heard.at(-1)?.payload).toMatchObject({
    config: { monitoring: { log_level: 'DEBUG' } },
  });
});

test('an agent that comes back from an older state is told again', async () => {
  const { hash } = await put({ timeout: 17 });
  await becomes('applied', hash);
  const heard = simulated.heard.length;
  simulated.running = 'a'.repeat(64);
  // Heartbeats that change nothing are let go; this one does.
  simulated.beat();
  await waitFor(() => simulated.heard.length > heard, LONG);
  await becomes('applied', hash);
  expect(simulated.running).toBe(hash);
});

test('each replica counts; one that was followed by another in its slot does not', async () => {
  await sql`UPDATE agents SET replicas = 2 WHERE id = ${agent.agent_id}`.execute(
    server.database.pool,
  );
  const second = simulateAgent(bus, agent, 'i2');
  await bus.flush();
  second.deaf = true;
  second.running = 'b'.repeat(64);
  second.beat();
  await waitFor(async () => (await delivery()).instances.length > 0, LONG);
  const { hash } = await put({ timeout: 18 });
  const expired = await becomes('expired', hash);
  expect(expired.reason).toContain('i2');
  await sql`INSERT INTO agent_slots (agent_id, slot, former) VALUES (${agent.agent_id}, 1, '{i2}')
    ON CONFLICT (agent_id, slot) DO UPDATE SET former = excluded.former`.execute(
    server.database.pool,
  );
  simulated.status();
  await becomes('applied', hash);
  await second.stop();
});

test('consumers of added topics exist before the agent hears of them; removed ones tell what is unread', async () => {
  const { hash } = await put({ subscribed_topics: ['logs.security', 'logs.wifi'] });
  await becomes('applied', hash);
  const reading = (topic: string) =>
    consumerInfo(bus, streams.events.name, consumerName(agent.name, topic));
  expect(await reading('logs.wifi')).toBeDefined();
  for (let n = 0; n < 3; n += 1) {
    await publishDurable(bus, 'logs.wifi', '{"message":"x"}', { msgId: `${agent.name}-${n}` });
  }
  await put({ subscribed_topics: ['logs.security'] });
  const left = await waitFor(async () => {
    const { left_behind, state } = await delivery();
    return state === 'applied' && left_behind.length > 0 ? left_behind : undefined;
  }, LONG);
  expect(left).toEqual([{ topic: 'logs.wifi', unread: 3 }]);
  expect(await reading('logs.wifi')).toBeUndefined();
});

test('an agent that shall not run waits without a deadline, and says so', async () => {
  await server.call('POST', path('/stop'));
  const { hash } = await put({ timeout: 19 });
  const waiting = await becomes('pending', hash);
  expect(waiting).toMatchObject({ deadline: null, attempts: 0 });
  expect(waiting.reason).toContain('does not run');
});

test('a restart of the server forgets nothing that was not confirmed', async () => {
  // It says what it runs: one that does not is told no more once it has expired.
  const { hash: before } = await put({ timeout: 20 });
  await becomes('applied', before);
  simulated.deaf = true;
  const { hash } = await put({ timeout: 25 });
  await waitFor(async () => (await delivery()).attempts > 0, LONG);
  await server.restart();
  simulated.deaf = false;
  // A restart may outlast the deadline, before or after a heartbeat was heard: the next one is, too.
  const applied = await waitFor(async () => {
    simulated.beat();
    const now = await delivery();
    return now.state === 'applied' ? now : undefined;
  }, LONG);
  expect(applied).toMatchObject({ desired_hash: hash, running_hash: hash });
});

test('the list says how many stand where, and why', async () => {
  await put({ timeout: 21 });
  await becomes('applied');
  const { body } = await server.call('GET', '/api/v1/config/deliveries?state=applied&limit=1');
  const page = body as { items: Delivery[]; counts: Record<string, number>; next_cursor: string };
  expect(page.items).toHaveLength(1);
  expect(page.items[0]).toMatchObject({ state: 'applied' });
  expect(page.counts['applied']).toBeGreaterThan(1);
  const next = await server.call(
    'GET',
    `/api/v1/config/deliveries?state=applied&limit=1&cursor=${page.next_cursor}`,
  );
  expect((next.body as typeof page).items[0]).not.toEqual(page.items[0]);
});

test('an answer under another agent’s name is not taken', async () => {
  const { hash: before } = await put({ timeout: 22 });
  await becomes('applied', before);
  simulated.deaf = true;
  const listening = bus.subscribe(`opmas.control.${agent.name}`, (message) => {
    message.respond(JSON.stringify({ ok: true, agent_id: 'test-other', data: {} }));
  });
  await bus.flush();
  const { hash } = await put({ timeout: 23 });
  await becomes('expired', hash);
  await listening.stop();
});
