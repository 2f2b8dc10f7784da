/** One identity, one instance: a second one is shut out; restarts, adoption and outages are none. */
import { type Bus, createNkey } from '@opmas/bus';
import { type Agent, type RegistrationAnswer, subjects } from '@opmas/protocol';
import { waitFor } from '@opmas/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sql } from './kernel/sql.ts';
import { itemsOf, LONG, registeredAgent, testBus } from './testing/fleet.ts';
import {
  connectAs,
  type Enrolled,
  hostSays,
  jwtOf,
  launchedAgent,
  renewAs,
  ticketFor,
} from './testing/identity.ts';
import { type TestServer, testServer } from './testing/server.ts';

let server: TestServer;
let bus: Bus;
/** Registered together, as one look at the agents directory finds them all: each test takes one. */
let spare: Agent[];
beforeAll(async () => {
  server = await testServer();
  bus = await testBus(server);
  spare = await Promise.all(
    Array.from({ length: 10 }, (_, n) => registeredAgent(server, `Twin${n}`)),
  );
});
afterAll(async () => {
  await bus.close();
  await server.stop();
});

/** An agent its host runs as instance `right`. */
async function running(): Promise<Enrolled> {
  const agent = spare.pop();
  if (agent === undefined) throw new Error('too few agents were registered');
  const each = await launchedAgent(server, bus, agent, 'right');
  hostSays(bus, [{ agent, instance: 'right' }]);
  return each;
}

const beat = ({ agent_id, name }: Pick<Agent, 'agent_id' | 'name'>, instance: string) => {
  const heartbeat = {
    agent_id,
    status: 'healthy',
    timestamp: new Date().toISOString(),
    uptime: 5,
    instance_id: instance,
  };
  bus.publish(subjects.heartbeat(name), JSON.stringify(heartbeat));
};

const agentOf = async ({ agent }: { agent: Pick<Agent, 'agent_id'> }): Promise<Agent> =>
  (await server.call('GET', `/api/v1/agents/${agent.agent_id}`)).body as Agent;

const isAlerted = async (each: { agent: Pick<Agent, 'agent_id'> }) =>
  (await agentOf(each)).conditions.some(({ type }) => type === 'duplicate_identity');

async function revocationsOf({ agent }: { agent: Pick<Agent, 'agent_id'> }): Promise<number> {
  const { rows } = await sql<{ n: string }>`
    SELECT count(*) AS n FROM broker_revocations WHERE agent_id = ${agent.agent_id}`.execute(
    server.database.pool,
  );
  return Number(rows[0]?.n);
}

const slotOf = async ({ agent }: { agent: Pick<Agent, 'agent_id'> }) =>
  server.database.pool
    .selectFrom('agent_slots')
    .selectAll()
    .where('agent_id', '=', agent.agent_id)
    .executeTakeFirstOrThrow();

const lastReport = async () =>
  (
    await server.database.pool
      .selectFrom('hosts')
      .select('last_report')
      .where('id', '=', 'local')
      .executeTakeFirst()
  )?.last_report.toISOString();

/** Asks until the server knows enough to say anything but "ask again". */
async function verdict(each: { agent: Agent; key: Enrolled['key'] }, instance: string) {
  return waitFor(async () => {
    hostSays(bus, [{ agent: each.agent, instance: 'right' }]);
    const answer = await renewAs(server, each, instance);
    return answer.status === 503 ? undefined : answer;
  }, LONG);
}

describe('X14 a second instance', () => {
  test('of a copied folder is refused, its credentials end, and the right one goes on', async () => {
    const each = await running();
    let jwt = jwtOf(each.answer);
    const right = await connectAs(server, each, () => jwt);
    const copy = await connectAs(server, each, jwt);
    // Nobody has said yet whose it is: neither yes nor no.
    expect(await renewAs(server, each, 'copy')).toMatchObject({ status: 503 });
    const refused = await verdict(each, 'copy');
    expect(refused).toMatchObject({ status: 409, body: { code: 'OPMAS_DUPLICATE_IDENTITY' } });
    await waitFor(copy.refusedAt, LONG);
    await waitFor(right.refusedAt, LONG);
    const renewed = await renewAs(server, each, 'right');
    expect(renewed.status).toBe(200);
    jwt = jwtOf(renewed.body as RegistrationAnswer);
    await waitFor(() => right.bus.isUp(), LONG);
    expect(copy.bus.isUp()).toBe(false);
    expect(await isAlerted(each)).toBe(true);
    expect(await slotOf(each)).toMatchObject({ instance_id: 'right' });
    await right.bus.close();
    await copy.bus.close();
  });

  test('that only speaks on the broker is shut out as well', async () => {
    const each = await running();
    beat(each.agent, 'right');
    const copy = await connectAs(server, each, jwtOf(each.answer));
    const since = performance.now();
    await waitFor(async () => {
      beat(each.agent, 'copy');
      hostSays(bus, [{ agent: each.agent, instance: 'right' }]);
      return copy.refusedAt() !== undefined;
    }, LONG);
    console.log(`first word to closed socket: ${Math.round(performance.now() - since)} ms`);
    expect(await renewAs(server, each, 'right')).toMatchObject({ status: 200 });
    expect(await verdict(each, 'copy')).toMatchObject({ status: 409 });
    await copy.bus.close();
  });

  test('is told: a condition on the agent, a row in the audit log, a change on the feed', async () => {
    const told: string[] = [];
    const ear = bus.subscribe('opmas.events.>', (message) => void told.push(message.text()));
    await bus.flush();
    const each = await running();
    await verdict({ ...each }, 'copy').then(() => undefined);
    await waitFor(
      () =>
        told.some(
          (text) => text.includes(each.agent.agent_id) && text.includes('duplicate_identity'),
        ),
      LONG,
    );
    const { body } = await server.call('GET', '/api/v1/audit?action=agents.duplicate_identity');
    expect(itemsOf<{ object: string }>(body).map(({ object }) => object)).toContain(
      each.agent.agent_id,
    );
    await ear.stop();
  });

  test('makes one revocation for its slot, however often it comes', async () => {
    const each = await running();
    for (let n = 0; n < 5; n += 1)
      expect(await verdict(each, 'copy')).toMatchObject({ status: 409 });
    expect(await revocationsOf(each)).toBe(1);
    // Each shutting out throws the right one off too: the copy cannot do that by asking again and again.
    const query = `action=agents.duplicate_identity&object=${each.agent.agent_id}`;
    const { body } = await server.call('GET', `/api/v1/audit?${query}`);
    expect(itemsOf(body)).toHaveLength(1);
  });

  test('the condition goes when there was none for ten minutes', async () => {
    const each = await running();
    await verdict(each, 'copy');
    await server.database.pool
      .updateTable('agent_slots')
      .set({ fenced_at: new Date(Date.now() - 601_000) })
      .where('agent_id', '=', each.agent.agent_id)
      .execute();
    // A start looks at once, and from then on every half minute.
    await server.restart();
    await waitFor(async () => !(await isAlerted(each)), LONG);
  });
});

describe('X14 what is no second instance', () => {
  test('twenty launches by the host: each takes over at once, no revocation', async () => {
    const each = await running();
    for (let n = 0; n < 20; n += 1) {
      expect(await ticketFor(bus, each.agent, `launch-${n}`)).toBeNull();
      expect(await renewAs(server, each, `launch-${n}`)).toMatchObject({ status: 200 });
    }
    expect(await slotOf(each)).toMatchObject({ instance_id: 'launch-19' });
    expect(await revocationsOf(each)).toBe(0);
    expect(await isAlerted(each)).toBe(false);
  });

  test('a launch the server did not hear of, asked for before its host could tell', async () => {
    const each = await running();
    expect(await renewAs(server, each, 'unheard')).toMatchObject({ status: 503 });
    hostSays(bus, [{ agent: each.agent, instance: 'unheard' }]);
    await waitFor(async () => (await renewAs(server, each, 'unheard')).status === 200, LONG);
    expect(await revocationsOf(each)).toBe(0);
  });

  test('a launch after its host wrote a report that comes late', async () => {
    const each = await running();
    const written = new Date().toISOString();
    expect(await renewAs(server, each, 'unheard')).toMatchObject({ status: 503 });
    hostSays(bus, [{ agent: each.agent, instance: 'right' }], written);
    await waitFor(async () => (await lastReport()) === written, LONG);
    expect(await renewAs(server, each, 'unheard')).toMatchObject({ status: 503 });
    expect(await revocationsOf(each)).toBe(0);
    hostSays(bus, [{ agent: each.agent, instance: 'unheard' }]);
    await waitFor(async () => (await renewAs(server, each, 'unheard')).status === 200, LONG);
    expect(await revocationsOf(each)).toBe(0);
  });

  test('a restart that heartbeats from its cache before its host is heard', async () => {
    const each = await running();
    beat(each.agent, 'right');
    beat(each.agent, 'cached');
    await waitFor(async () => (await slotOf(each)).rival === 'cached', LONG);
    hostSays(bus, [{ agent: each.agent, instance: 'cached' }]);
    await waitFor(async () => {
      beat(each.agent, 'cached');
      return (await slotOf(each)).instance_id === 'cached';
    }, LONG);
    expect(await revocationsOf(each)).toBe(0);
    expect(await isAlerted(each)).toBe(false);
  });

  test('an agent that outlives its host and its server, and one that was cut off', async () => {
    const each = await running();
    const connection = await connectAs(server, each, jwtOf(each.answer));
    await server.restart();
    // A new host process has adopted it; nothing was heard of either for a while.
    hostSays(bus, [{ agent: each.agent, instance: 'right' }]);
    for (let n = 0; n < 3; n += 1) beat(each.agent, 'right');
    expect(await renewAs(server, each, 'right')).toMatchObject({ status: 200 });
    await server.nats.kill9();
    await server.nats.restart();
    // Each finds the broker again by itself; nobody is enrolled before the server has.
    await waitFor(() => [connection.bus, bus, server.app.bus].every((each) => each.isUp()), LONG);
    expect(await renewAs(server, each, 'right')).toMatchObject({ status: 200 });
    expect(await revocationsOf(each)).toBe(0);
    expect(await isAlerted(each)).toBe(false);
    await connection.bus.close();
  });
});

describe('X14 agents that no host runs', () => {
  async function remote(name: string): Promise<Enrolled> {
    const made = await server.call('POST', '/api/v1/tokens', {
      body: { kind: 'enrollment', name: 'far' },
    });
    const key = createNkey('user');
    const { status, body } = await server.call('POST', '/api/v1/agents', {
      token: null,
      body: {
        agent_name: name,
        agent_version: '1.0.0',
        agent_type: 'far',
        discovery_token: (made.body as { token: string }).token,
        public_key: key.public_key,
        instance_id: 'first',
      },
    });
    if (status !== 201) throw new Error(JSON.stringify(body));
    const answer = body as RegistrationAnswer;
    const agent = await agentOf({ agent: { agent_id: answer.agent_id } });
    return { agent, key, answer };
  }

  test('a restart takes over, an instance of before that speaks again is shut out', async () => {
    const each = await remote('Far');
    expect(await renewAs(server, each, 'second')).toMatchObject({ status: 200 });
    expect(await revocationsOf(each)).toBe(0);
    const old = await connectAs(server, each, jwtOf(each.answer));
    await waitFor(async () => {
      beat(each.agent, 'first');
      return old.refusedAt() !== undefined;
    }, LONG);
    expect(await renewAs(server, each, 'first')).toMatchObject({
      status: 409,
      body: { code: 'OPMAS_DUPLICATE_IDENTITY' },
    });
    expect(await renewAs(server, each, 'second')).toMatchObject({ status: 200 });
    expect(await isAlerted(each)).toBe(true);
    await old.bus.close();
  });
});
