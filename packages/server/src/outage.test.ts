/** What goes on while PostgreSQL or the broker is away, and what is said meanwhile. */
import type { Bus } from '@opmas/bus';
import { type EventsAccepted, limits } from '@opmas/protocol';
import { waitFor } from '@opmas/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sql } from './kernel/sql.ts';
import { finding, LONG, registeredAgent, testBus } from './testing/fleet.ts';
import { type TestServer, testServer } from './testing/server.ts';

let server: TestServer;
let bus: Bus;
beforeAll(async () => {
  server = await testServer();
  bus = await testBus(server);
});
afterAll(async () => {
  await bus.close();
  await server.stop();
});

const post = (
  body: unknown,
  options: { query?: string; type?: string; token?: string | null; raw?: string | Uint8Array } = {},
) =>
  server.call('POST', `/api/v1/events${options.query ?? ''}`, {
    ...(options.raw === undefined ? { body } : { raw: options.raw }),
    headers: { 'content-type': options.type ?? 'application/json' },
    ...(options.token === undefined ? {} : { token: options.token }),
  });

/** Messages the broker holds, by subject. */
async function held(): Promise<Record<string, number>> {
  const info = await bus.request(
    '$JS.API.STREAM.INFO.EVENTS',
    JSON.stringify({ subjects_filter: 'logs.>' }),
  );
  return (info.json() as { state: { subjects?: Record<string, number> } }).state.subjects ?? {};
}

async function lastOn(subject: string): Promise<Record<string, unknown>[]> {
  const answer = await bus.request(
    '$JS.API.STREAM.MSG.GET.EVENTS',
    JSON.stringify({ last_by_subj: subject }),
  );
  const { message } = answer.json() as { message: { data: string } };
  return Buffer.from(message.data, 'base64')
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

describe('POST /events', () => {
  test('takes a list, one event, and NDJSON, and fills what is missing', async () => {
    const list = await post([{ message: 'one' }, { message: 'two', event_id: 'mine' }], {
      query: '?domain=wifi',
    });
    expect(list).toMatchObject({ status: 202, body: { accepted: 2, rejected: [] } });
    const [first, second] = await lastOn('logs.wifi');
    expect(first).toMatchObject({ message: 'one', type: 'wifi' });
    for (const key of ['event_id', 'timestamp', 'received_at']) {
      expect(first?.[key]).toEqual(expect.any(String));
    }
    expect(second).toMatchObject({ event_id: 'mine' });
    expect(await post({ message: 'alone' })).toMatchObject({ status: 202 });
    const lines = await post(undefined, {
      raw: '{"message":"a"}\n\n{"message":"b"}\n',
      type: 'application/x-ndjson; charset=utf-8',
    });
    expect(lines).toMatchObject({ status: 202, body: { accepted: 2 } });
  });

  test('the domain is the parameter, else a known type, else the routing table, else system', async () => {
    const before = await held();
    await post([{ message: 'x', type: 'auth', program: 'hostapd' }], { query: '?domain=site7' });
    await post([{ message: 'x', type: 'health', program: 'hostapd' }]);
    await post([{ message: 'x', type: 'no_such_domain', program: 'hostapd' }]);
    await post([{ message: 'x' }]);
    const after = await held();
    const grown = Object.keys(after).filter((key) => (after[key] ?? 0) > (before[key] ?? 0));
    expect(grown.sort()).toEqual(['logs.health', 'logs.site7', 'logs.system', 'logs.wifi']);
  });

  test('rejects the bad events of a body and takes the others', async () => {
    const { status, body } = await post([
      { message: 'good' },
      { message: 5 },
      'text',
      { message: 'late', timestamp: 'yesterday' },
      { message: 'good too' },
    ]);
    expect(status).toBe(202);
    const { accepted, rejected } = body as EventsAccepted;
    expect([accepted, rejected.map(({ index }) => index)]).toEqual([2, [1, 2, 3]]);
    expect(rejected.every(({ error }) => error !== '')).toBe(true);
  });

  test.each<[string, Parameters<typeof post>, number, string]>([
    ['only bad events', [[{ message: 1 }, {}]], 400, 'OPMAS_EVENTS_REJECTED'],
    ['no event', [[]], 400, 'OPMAS_INVALID_REQUEST'],
    ['no JSON', [undefined, { raw: '{"message":' }], 400, 'OPMAS_INVALID_REQUEST'],
    ['another type', [undefined, { raw: 'x', type: 'text/plain' }], 415, 'OPMAS_UNSUPPORTED_MEDIA'],
    [
      'a wildcard domain',
      [[{ message: 'x' }], { query: '?domain=%3E' }],
      400,
      'OPMAS_INVALID_REQUEST',
    ],
    [
      'too many events',
      [Array.from({ length: limits.httpEvents + 1 }, () => ({ message: 'x' }))],
      413,
      'OPMAS_TOO_LARGE',
    ],
    [
      'too many bytes',
      [undefined, { raw: new Uint8Array(limits.httpEventsBytes + 1).fill(32) }],
      413,
      'OPMAS_TOO_LARGE',
    ],
  ])('refuses %s', async (_, given, status, code) => {
    expect(await post(...given)).toMatchObject({ status, body: { code } });
  });

  test('while the broker is away it says so and when to come back; the same body again is stored once', async () => {
    const body = [{ message: 'precious', event_id: 'precious-1' }];
    await server.nats.kill9();
    const away = await post(body, { query: '?domain=precious' });
    expect(away).toMatchObject({ status: 503, body: { code: 'OPMAS_BROKER_UNAVAILABLE' } });
    expect(Number(away.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await server.call('GET', '/health', { token: null })).toMatchObject({
      status: 503,
      body: { status: 'unavailable', components: { broker: { status: 'down' } } },
    });
    await server.nats.restart();
    await waitFor(
      async () => (await post(body, { query: '?domain=precious' })).status === 202,
      LONG,
    );
    expect((await post(body, { query: '?domain=precious' })).status).toBe(202);
    await bus.whenUp(LONG.timeoutMs);
    expect((await held())['logs.precious']).toBe(1);
    await waitFor(
      async () => (await server.call('GET', '/health', { token: null })).status === 200,
      LONG,
    );
  });
});

describe('while PostgreSQL is away', () => {
  const { raw, ref } = sql;
  const limit = async (connections: number) => {
    const name = ref(server.testDatabase.name);
    await sql`ALTER DATABASE ${name} CONNECTION LIMIT ${raw(String(connections))}`.execute(
      server.database.pool,
    );
    if (connections !== 0) return;
    await sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND application_name = 'opmas-server'
        AND usename <> current_user`.execute(server.database.pool);
  };

  test('events are taken, refusals are quick, the rest is 503; afterwards nothing is missing', async () => {
    const agent = await registeredAgent(server, 'Watcher');
    const operator = await server.tokenFor({ kind: 'user', roles: ['operator'] });
    await limit(0);
    try {
      for (const token of [operator, server.ownerToken]) {
        expect(await post([{ message: 'x' }], { query: '?domain=dark', token })).toMatchObject({
          status: 202,
        });
      }
      expect(await post([{ message: 'x' }], { token: 'rubbish' })).toMatchObject({ status: 401 });
      expect(await post([{ message: 'x' }], { token: null })).toMatchObject({ status: 401 });
      const listed = await server.call('GET', '/api/v1/agents');
      expect(listed).toMatchObject({ status: 503, body: { code: 'OPMAS_DATABASE_UNAVAILABLE' } });
      expect(Number(listed.headers.get('retry-after'))).toBeGreaterThan(0);
      const put = await server.call('PUT', `/api/v1/agents/${agent.agent_id}/config`, { body: {} });
      expect(put.status).toBe(503);
      expect((await server.call('GET', '/health', { token: null })).body).toMatchObject({
        status: 'unavailable',
        components: { database: { status: 'down' }, broker: { status: 'up' } },
      });
      expect((await server.call('GET', '/health/live', { token: null })).status).toBe(200);
      for (let n = 0; n < 20; n += 1) {
        await bus.request(
          'findings.security',
          JSON.stringify(finding(agent.agent_id, `dark-${n}`)),
        );
      }
    } finally {
      await limit(-1);
    }
    const found = () =>
      server.database.pool
        .selectFrom('findings')
        .select('finding_id')
        .where('finding_id', 'like', 'dark-%')
        .execute();
    await waitFor(async () => (await found()).length >= 20, LONG);
    expect(await found()).toHaveLength(20);
    await waitFor(
      async () => (await server.call('GET', '/health', { token: null })).status === 200,
      LONG,
    );
    expect((await server.call('GET', '/api/v1/agents')).status).toBe(200);
  });
});
