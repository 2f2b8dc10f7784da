/** Taking an agent's access away: its connections end at once, and nothing brings them back. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Bus, connectBus, createNkey, decodeJwt } from '@opmas/bus';
import type { Agent, RegistrationAnswer } from '@opmas/protocol';
import { waitFor } from '@opmas/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { silentLogger } from './kernel/logger.ts';
import { sql } from './kernel/sql.ts';
import { claimOf, LONG, registeredAgent, testBus } from './testing/fleet.ts';
import {
  connectAs,
  type Enrolled,
  jwtOf,
  launchedAgent,
  renewAs,
  ticketFor,
} from './testing/identity.ts';
import { type TestServer, testServer } from './testing/server.ts';

let server: TestServer;
let bus: Bus;
/** Of agents that a host launches, registered together; each test that needs one takes its own. */
let hosted: Agent[];
/** Of agents that enroll themselves, one call each. */
let enrollmentToken: string;
let agents = 0;
beforeAll(async () => {
  server = await testServer();
  bus = await testBus(server);
  hosted = await Promise.all(['Hosted1', 'Hosted2'].map((name) => registeredAgent(server, name)));
  const made = await server.call('POST', '/api/v1/tokens', {
    body: { kind: 'enrollment', name: 'far', max_uses: 1_000 },
  });
  enrollmentToken = (made.body as { token: string }).token;
});
afterAll(async () => {
  await bus.close();
  await server.stop();
});

/** A running agent of its own for a test. */
async function enrolled(): Promise<Enrolled> {
  agents += 1;
  const key = createNkey('user');
  const { status, body } = await server.call('POST', '/api/v1/agents', {
    token: null,
    body: {
      agent_name: `Agent${agents}`,
      agent_version: '1.0.0',
      agent_type: 'far',
      discovery_token: enrollmentToken,
      public_key: key.public_key,
      instance_id: 'i1',
    },
  });
  expect(status).toBe(201);
  const answer = body as RegistrationAnswer;
  const agent = (await server.call('GET', `/api/v1/agents/${answer.agent_id}`)).body as Agent;
  return { agent, key, answer };
}

/** The same, launched by its host. */
async function launched(): Promise<Enrolled> {
  const agent = hosted.pop();
  if (agent === undefined) throw new Error('too few agents were registered');
  return launchedAgent(server, bus, agent, 'i1');
}

const revoke = ({ agent }: Enrolled) =>
  server.call('DELETE', `/api/v1/agents/${agent.agent_id}/credentials`);

/** Can anybody get in with these? */
async function isRefused({ agent, key }: Enrolled, jwt: string): Promise<boolean> {
  try {
    const connection = await connectAs(server, { agent, key }, jwt);
    await connection.bus.close();
    return false;
  } catch (error) {
    expect(error).toMatchObject({ code: 'OPMAS_UNAUTHENTICATED' });
    return true;
  }
}

describe('X13 revoked on the broker', () => {
  test.each([
    ['deleted', ({ agent }: Enrolled) => server.call('DELETE', `/api/v1/agents/${agent.agent_id}`)],
    ['whose credentials are taken away', revoke],
  ])('an agent %s is off within a second, and cannot come back', async (_, end) => {
    const each = await enrolled();
    const connection = await connectAs(server, each, jwtOf(each.answer));
    const asked = performance.now();
    expect((await end(each)).status).toBe(204);
    const refused = await waitFor(connection.refusedAt, { timeoutMs: 5_000 });
    console.log(`call to closed socket: ${Math.round(refused - asked)} ms`);
    expect(refused - asked).toBeLessThan(1_000);
    await waitFor(() => connection.statuses.some(({ unauthorized }) => unauthorized), LONG);
    expect(connection.bus.isUp()).toBe(false);
    await connection.bus.close();
    expect(await isRefused(each, jwtOf(each.answer))).toBe(true);
    const renewal = await renewAs(server, each, 'i1');
    expect(renewal).toMatchObject({ status: 401, body: { code: 'OPMAS_UNAUTHENTICATED' } });
  });

  test('an agent that registers while it is removed gets nothing, and neither waits for the other for ever', async () => {
    const agent = await registeredAgent(server, 'Leaving');
    const discovery_token = await ticketFor(bus, agent, 'i1', false);
    const waiting = async () => {
      const { rows } = await sql<{ n: number }>`SELECT count(*)::int AS n FROM pg_stat_activity
        WHERE wait_event_type = 'Lock' AND query LIKE '%agents%for update%'
          AND datname = current_database()`.execute(server.database.pool);
      return (rows[0]?.n ?? 0) > 0;
    };
    const { registration } = await server.database.transaction(async (tx) => {
      await tx
        .updateTable('agents')
        .set({ status: 'removed', desired: 'stopped' })
        .where('id', '=', agent.agent_id)
        .execute();
      const answer = server.call('POST', '/api/v1/agents', {
        token: null,
        body: {
          ...claimOf(agent),
          discovery_token,
          public_key: createNkey('user').public_key,
          instance_id: 'i1',
        },
      });
      await waitFor(waiting, LONG);
      await tx
        .updateTable('agent_slots')
        .set({ public_key: null })
        .where('agent_id', '=', agent.agent_id)
        .execute();
      return { registration: answer };
    });
    expect((await registration).status).toBe(401);
  });

  test('of twenty-four agents each is off, whether it was deleted or its credentials were taken', async () => {
    const times: number[] = [];
    while (times.length < 24) {
      const each = await enrolled();
      const connection = await connectAs(server, each, jwtOf(each.answer));
      const path = `/api/v1/agents/${each.agent.agent_id}`;
      const asked = performance.now();
      const ended = times.length % 2 === 0 ? path : `${path}/credentials`;
      expect((await server.call('DELETE', ended)).status).toBe(204);
      times.push((await waitFor(connection.refusedAt, { timeoutMs: 5_000 })) - asked);
      await connection.bus.close();
    }
    console.log(`call to closed socket: ${spread(times)}`);
  });

  test('its access token ends within five seconds', async () => {
    const each = await enrolled();
    const { access_token: token } = each.answer;
    const config = () =>
      server.call('GET', `/api/v1/agents/${each.agent.agent_id}/config`, { token });
    expect((await config()).status).toBe(200);
    const asked = performance.now();
    await revoke(each);
    await waitFor(async () => (await config()).status === 401, { timeoutMs: 10_000 });
    expect(performance.now() - asked).toBeLessThan(5_000);
  });

  test('others stay connected', async () => {
    const [one, other] = [await enrolled(), await enrolled()];
    const connection = await connectAs(server, other, jwtOf(other.answer));
    const revoked = await connectAs(server, one, jwtOf(one.answer));
    await revoke(one);
    await waitFor(revoked.refusedAt, { timeoutMs: 5_000 });
    await connection.bus.flush();
    expect(connection.statuses).toEqual([]);
    await connection.bus.close();
    await revoked.bus.close();
  });

  test('the key is burned; a new launch enrolls a new one, at once', async () => {
    const each = await launched();
    await revoke(each);
    const register = async (publicKey: string, token: string | null) =>
      server.call('POST', '/api/v1/agents', {
        token: null,
        body: { ...claimOf(each.agent), discovery_token: token, public_key: publicKey },
      });
    const token = await ticketFor(bus, each.agent, 'i2');
    expect(token).toMatch(/./);
    expect(await register(each.key.public_key, token)).toMatchObject({
      status: 409,
      body: { code: 'OPMAS_KEY_REVOKED' },
    });
    // The refused key cost no token.
    const key = createNkey('user');
    const answer = await register(key.public_key, token);
    expect(answer.status).toBe(201);
    const jwt = jwtOf(answer.body as RegistrationAnswer);
    const connection = await connectAs(server, { agent: each.agent, key }, jwt);
    await connection.bus.close();
  });

  test('what another replica committed and did not live to push is pushed within a second', async () => {
    const each = await enrolled();
    const connection = await connectAs(server, each, jwtOf(each.answer));
    const committed = performance.now();
    await commitRevocation(each);
    const refused = await waitFor(connection.refusedAt, { timeoutMs: 5_000 });
    console.log(`another replica's commit to closed socket: ${Math.round(refused - committed)} ms`);
    expect(refused - committed).toBeLessThan(1_000);
    await connection.bus.close();
  });

  test('a server killed between commit and push pushes it when it starts', async () => {
    const each = await enrolled();
    await server.app.stop();
    await commitRevocation(each);
    expect(await isRefused(each, jwtOf(each.answer))).toBe(false);
    await server.restart();
    expect(await isRefused(each, jwtOf(each.answer))).toBe(true);
  });

  test('a broker that lost its accounts is told again', async () => {
    const each = await enrolled();
    await revoke(each);
    await waitFor(() => isRefused(each, jwtOf(each.answer)), LONG);
    await server.nats.kill9();
    server.nats.loseAccounts();
    await server.nats.restart();
    await waitFor(() => isRefused(each, jwtOf(each.answer)), LONG);
  });

  test('revocations that no credentials can outlive are forgotten, on the broker too', async () => {
    const each = await enrolled();
    const burned = await launched();
    await commitRevocation(each);
    await revoke(burned);
    await waitFor(() => isRefused(each, jwtOf(each.answer)), LONG);
    await sql`UPDATE broker_revocations SET until = now() - interval '1 second'`.execute(
      server.database.pool,
    );
    await waitFor(async () => !(await isRefused(each, jwtOf(each.answer))), LONG);
    await waitFor(async () => {
      const left = await sql`SELECT 1 FROM broker_revocations WHERE NOT burned`.execute(
        server.database.pool,
      );
      return left.rows.length === 0;
    }, LONG);
    const again = await server.call('POST', '/api/v1/agents', {
      token: null,
      body: {
        ...claimOf(burned.agent),
        discovery_token: await ticketFor(bus, burned.agent, 'i2'),
        public_key: burned.key.public_key,
      },
    });
    expect(again.body).toMatchObject({ code: 'OPMAS_KEY_REVOKED' });
  });

  test('the claims are kept for the broker’s next start, for their owner alone, and only grow younger', async () => {
    const file = join(server.dataDir, 'keys', 'nats-account.jwt');
    const claims = () => decodeJwt(readFileSync(file, 'utf8'));
    let before = claims().iat;
    for (let n = 0; n < 3; n += 1) {
      const { key, ...each } = await enrolled();
      await revoke({ key, ...each });
      const now = await waitFor(() => {
        const { nats, iat } = claims();
        return JSON.stringify(nats['revocations']).includes(key.public_key) ? iat : undefined;
      }, LONG);
      expect(now).toBeGreaterThan(before);
      before = now;
    }
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });
});

/** What a revocation's transaction leaves behind, by a process that does nothing further. */
async function commitRevocation({ agent, key }: Enrolled): Promise<void> {
  const now = Math.floor(Date.now() / 1_000);
  await server.database.pool
    .insertInto('broker_revocations')
    .values({
      public_key: key.public_key,
      agent_id: agent.agent_id,
      issued_up_to: now + 1,
      revoked_at: new Date(),
      until: new Date((now + 3_720) * 1_000),
      burned: false,
      reason: 'test',
    })
    .execute();
}

function spread(times: readonly number[]): string {
  const sorted = [...times].sort((a, b) => a - b).map(Math.round);
  return `p50 ${sorted[Math.floor(sorted.length / 2)]} ms, max ${sorted.at(-1)} ms of ${sorted.length}`;
}

describe('7.4.1 credentials that end', () => {
  test('by themselves close the connection, each at its own time', async () => {
    const soon = Math.floor(Date.now() / 1_000) + 2;
    const late = await Promise.all(
      Array.from({ length: 20 }, async (_, n) => {
        const expiresAt = soon + (n % 2);
        const user = server.nats.credsFor(`short${n}`, undefined, { expiresAt });
        const short = await connectBus({
          url: server.nats.url,
          name: `short${n}`,
          logger: silentLogger,
          credentials: () => user,
        });
        let ended: number | undefined;
        short.onStatus(({ state }) => {
          if (state === 'down') ended ??= Date.now();
        });
        const at = await waitFor(() => ended, { timeoutMs: 10_000 });
        await short.close();
        return at - expiresAt * 1_000;
      }),
    );
    console.log(`expiry to closed socket: ${spread(late)}`);
    expect(Math.min(...late)).toBeGreaterThanOrEqual(0);
  });
});
