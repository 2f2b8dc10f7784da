/** What agents say, through a whole server: findings stored once, telemetry kept, the live feed complete. */
import type { Bus } from '@opmas/bus';
import {
  type Agent,
  type AgentLogRecord,
  type FeedMessage,
  type FindingRecord,
  FindingRecord as FindingSchema,
  faultsOf,
  type Heartbeat,
  type MetricSeries,
  subjects,
} from '@opmas/protocol';
import { waitFor } from '@opmas/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { takeLease } from './features/leases/leases.ts';
import { sql } from './kernel/sql.ts';
import { feedClient } from './testing/feed-client.ts';
import { finding, itemsOf, LONG, registeredAgent, testBus } from './testing/fleet.ts';
import { type TestServer, testServer } from './testing/server.ts';

let server: TestServer;
let bus: Bus;
let agent: Agent;
beforeAll(async () => {
  server = await testServer();
  bus = await testBus(server);
  agent = await registeredAgent(server, 'Watcher');
});
afterAll(async () => {
  await bus.close();
  await server.stop();
});

const publish = (value: unknown, subject = 'findings.security') =>
  bus.request(subject, typeof value === 'string' ? value : JSON.stringify(value));
const stored = async (id: string) => {
  const { status, body } = await server.call('GET', `/api/v1/findings/${encodeURIComponent(id)}`);
  return status === 200 ? (body as FindingRecord) : undefined;
};
const isStored = (id: string) => waitFor(() => stored(id), LONG);
const metric = async (line: RegExp) =>
  Number(line.exec(await (await fetch(`${server.url}/metrics`)).text())?.[1] ?? 0);
const countOf = async (table: 'findings' | 'finding_keys' | 'outbox' | 'agent_logs') =>
  Number(
    (
      await server.database.pool
        .selectFrom(table)
        .select((eb) => eb.fn.countAll<number>().as('n'))
        .executeTakeFirstOrThrow()
    ).n,
  );

describe('findings', () => {
  test('are stored with everything they said, and counted for their agent', async () => {
    await publish(finding(agent.agent_id, 'f-1', { severity: 'critical' }));
    const record = await isStored('f-1');
    expect(faultsOf(FindingSchema, record)).toEqual([]);
    expect(record).toMatchObject({
      agent_id: agent.agent_id,
      agent_name: 'Watcher',
      severity: 'critical',
      status: 'open',
      topic: 'findings.security',
      timestamp: '2026-03-01T10:00:00.000Z',
      details: { event_id: 'e-f-1' },
    });
    const { body } = await server.call('GET', `/api/v1/agents/${agent.agent_id}`);
    expect((body as Agent).findings_count).toBe(1);
  });

  test('of one id are stored once, in one batch, in many, and under another subject', async () => {
    const before = await countOf('findings');
    await Promise.all(
      Array.from({ length: 300 }, (_, n) => publish(finding(agent.agent_id, `same-${n % 10}`))),
    );
    for (let n = 0; n < 10; n += 1) {
      await publish(finding(agent.agent_id, `same-${n}`), 'findings.other');
    }
    await publish(finding(agent.agent_id, 'after-same'));
    await isStored('after-same');
    expect((await countOf('findings')) - before).toBe(11);
    const { body } = await server.call('GET', `/api/v1/agents/${agent.agent_id}`);
    expect((body as Agent).findings_count).toBe(12);
  });

  test('that are none are dropped and counted, and hold up nothing', async () => {
    const invalid = /opmas_messages_invalid_total\{kind="finding"\} (\d+)/;
    const before = await metric(invalid);
    const good = finding(agent.agent_id, 'amid-rubbish');
    const { severity: _, ...half } = good;
    const rubbish = [
      'not json',
      '{}',
      half,
      { ...good, severity: 'fatal' },
      { ...good, timestamp: '2016-12-31T23:59:60Z' },
      { ...good, details: JSON.parse(`${'['.repeat(100)}${']'.repeat(100)}`) as unknown },
    ];
    for (const bad of rubbish) await publish(bad);
    await publish(good);
    await isStored('amid-rubbish');
    await waitFor(async () => (await metric(invalid)) - before === rubbish.length, LONG);
  });

  test('with NUL, half characters and large details are stored, repaired', async () => {
    const large = 'x'.repeat(900_000);
    await publish(
      finding(agent.agent_id, 'odd', {
        description: 'a\u0000b\ud800c',
        details: { event: { message: large, 'k\u0000': '\udfff', n: 1e300 } },
      }),
    );
    const record = await isStored('odd');
    expect(record.description).toBe('a\ufffdb\ufffdc');
    expect(record.details['event']).toEqual({ message: large, 'k\ufffd': '\ufffd', n: 1e300 });
  });

  test('under another’s name are dropped, counted and audited; what an agent was once allowed is kept', async () => {
    const invalid = /opmas_messages_invalid_total\{kind="finding"\} (\d+)/;
    const before = await metric(invalid);
    await publish(finding('stranger-1', 'from-stranger'));
    await publish(finding(agent.agent_id, 'elsewhere'), 'findings.elsewhere');
    await server.database.pool
      .insertInto('agent_findings_topics')
      .values({ agent_id: agent.agent_id, topic: 'findings.before', issued_at: new Date() })
      .execute();
    await publish(finding(agent.agent_id, 'of-before'), 'findings.before');
    await isStored('of-before');
    await waitFor(async () => (await metric(invalid)) - before === 2, LONG);
    for (const id of ['from-stranger', 'elsewhere']) {
      expect((await server.call('GET', `/api/v1/findings/${id}`)).status).toBe(404);
    }
    await waitFor(async () => {
      const { body } = await server.call('GET', '/api/v1/audit?action=broker.finding');
      const claimed = itemsOf<{ object: string }>(body).map(({ object }) => object);
      return claimed.includes('stranger-1') && claimed.includes(agent.agent_id);
    }, LONG);
  });

  test('are listed newest first, page by page, none twice, and found by every filter', async () => {
    const all: string[] = [];
    for (let cursor = ''; ; ) {
      const { body } = await server.call('GET', `/api/v1/findings?limit=4${cursor}`);
      all.push(...itemsOf<FindingRecord>(body).map((each) => each.finding_id));
      const next = (body as { next_cursor: string | null }).next_cursor;
      if (next === null) break;
      cursor = `&cursor=${next}`;
    }
    expect(all).toHaveLength(await countOf('findings'));
    expect(new Set(all).size).toBe(all.length);
    const ids = async (query: string) =>
      itemsOf<FindingRecord>((await server.call('GET', `/api/v1/findings?${query}`)).body).map(
        (each) => each.finding_id,
      );
    expect(await ids('severity=critical')).toEqual(['f-1']);
    expect(await ids('agent_id=stranger-1')).toEqual([]);
    expect(await ids('q=amid-rub')).toEqual(['amid-rubbish']);
    expect(await ids('status=resolved')).toEqual([]);
    expect(await ids('from=2999-01-01T00:00:00Z')).toEqual([]);
    expect(await ids(`q=${encodeURIComponent("'; DROP TABLE findings; --")}`)).toEqual([]);
  });

  test('are acknowledged after the commit only: connections cut in the middle lose and double none', async () => {
    const before = await countOf('findings');
    const total = 400;
    let sent = 0;
    const sending = (async () => {
      for (; sent < total; sent += 1) await publish(finding(agent.agent_id, `cut-${sent}`));
    })();
    for (let cut = 1; cut <= 4; cut += 1) {
      await waitFor(() => sent >= (cut * total) / 5, LONG);
      await sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE datname = current_database() AND application_name = 'opmas-server'
          AND pid <> pg_backend_pid()`.execute(server.database.pool);
    }
    await sending;
    await waitFor(async () => (await countOf('findings')) - before >= total, LONG);
    expect((await countOf('findings')) - before).toBe(total);
    const keys = await sql<{ n: string }>`
      SELECT count(DISTINCT finding_id) AS n FROM findings WHERE finding_id LIKE 'cut-%'`.execute(
      server.database.pool,
    );
    expect(Number(keys.rows[0]?.n)).toBe(total);
  });
});

describe('telemetry', () => {
  const beat = (more: Partial<Heartbeat> = {}, name = agent.name) => {
    const heartbeat: Heartbeat = {
      agent_id: agent.agent_id,
      status: 'healthy',
      timestamp: new Date().toISOString(),
      uptime: 5,
      instance_id: 'i1',
      ...more,
    };
    bus.publish(subjects.heartbeat(name), JSON.stringify(heartbeat));
  };

  test('a heartbeat is seen at once and written soon', async () => {
    beat({ uptime: 77 });
    const { uptime } = await waitFor(async () => {
      const { body } = await server.call('GET', `/api/v1/agents/${agent.agent_id}/health`);
      const health = body as { uptime: number | null };
      return health.uptime === 77 ? health : undefined;
    }, LONG);
    expect(uptime).toBe(77);
    await waitFor(
      async () =>
        ((await server.call('GET', `/api/v1/agents/${agent.agent_id}`)).body as Agent)
          .last_heartbeat !== null,
      LONG,
    );
  });

  test('what an agent says under another name is not taken, and counted', async () => {
    const refused = /opmas_messages_invalid_total\{kind="heartbeat"\} (\d+)/;
    const before = await metric(refused);
    beat({ uptime: 99_999 }, 'Impostor');
    beat({ uptime: 99_999, agent_id: 'test-nobody' });
    bus.publish(subjects.heartbeat(agent.name), 'not json');
    await waitFor(async () => (await metric(refused)) - before === 3, LONG);
    const { body } = await server.call('GET', `/api/v1/agents/${agent.agent_id}/health`);
    expect((body as { uptime: number }).uptime).toBe(77);
    for (const [subject, message] of [
      [subjects.agentLogs('Impostor'), { level: 'error', message: 'lie' }],
      [subjects.metrics('Impostor'), { metrics: { lies: 1 } }],
    ] as const) {
      await publish(
        { agent_id: agent.agent_id, timestamp: new Date().toISOString(), ...message },
        subject,
      );
    }
    await waitFor(
      async () =>
        (await metric(/opmas_messages_invalid_total\{kind="log"\} (\d+)/)) === 1 &&
        (await metric(/opmas_messages_invalid_total\{kind="metrics"\} (\d+)/)) === 1,
      LONG,
    );
  });

  test('metrics become series by name and step; histograms their count and sum', async () => {
    const start = Math.floor(Date.now() / 60_000) * 60_000 - 300_000;
    for (const [minute, value] of [
      [0, 10],
      [1, 20],
      [2, 30],
    ] as const) {
      await publish(
        {
          agent_id: agent.agent_id,
          timestamp: new Date(start + minute * 60_000 + 1_000).toISOString(),
          metrics: {
            events_processed: value,
            processing_time: { count: value, sum: value / 10, bounds: [1], buckets: [1, 1] },
          },
        },
        subjects.metrics(agent.name),
      );
    }
    const path = `/api/v1/agents/${agent.agent_id}/metrics`;
    const series = async (query: string) =>
      ((await server.call('GET', `${path}?${query}`)).body as MetricSeries).series;
    const found = await waitFor(async () => {
      const [one] = await series('name=events_processed');
      return one?.points.length === 3 ? one : undefined;
    }, LONG);
    expect(found.points).toEqual([
      [new Date(start).toISOString(), 10],
      [new Date(start + 60_000).toISOString(), 20],
      [new Date(start + 120_000).toISOString(), 30],
    ]);
    expect((await series('')).map(({ name }) => name)).toEqual([
      'events_processed',
      'processing_time_count',
      'processing_time_sum',
    ]);
    const many = await server.call('GET', `${path}?step=1&from=2020-01-01T00:00:00Z`);
    expect(many).toMatchObject({ status: 400, body: { errors: [{ path: 'step' }] } });
  });

  test('log lines are paged, none lost within one millisecond, none twice', async () => {
    const at = '2026-03-01T10:00:00.1239';
    const lines = Array.from({ length: 12 }, (_, n) => ({
      agent_id: agent.agent_id,
      level: n % 2 === 0 ? 'info' : 'error',
      message: `line ${n} \u0000 100%`,
      timestamp: `${at}${n % 10}Z`,
      context: { n },
    }));
    for (const line of lines) await publish(line, subjects.agentLogs(agent.name));
    await publish('{"agent_id":"x"}', subjects.agentLogs(agent.name));
    await waitFor(async () => (await countOf('agent_logs')) === 12, LONG);
    const seen: AgentLogRecord[] = [];
    for (let cursor = ''; ; ) {
      const { body } = await server.call(
        'GET',
        `/api/v1/agents/${agent.agent_id}/logs?limit=5${cursor}`,
      );
      seen.push(...itemsOf<AgentLogRecord>(body));
      const next = (body as { next_cursor: string | null }).next_cursor;
      if (next === null) break;
      cursor = `&cursor=${next}`;
    }
    expect(seen.map(({ context }) => context['n']).sort((a, b) => Number(a) - Number(b))).toEqual(
      lines.map((_, n) => n),
    );
    const errors = await server.call(
      'GET',
      `/api/v1/agents/${agent.agent_id}/logs?level=error&q=100%25`,
    );
    expect(itemsOf(errors.body)).toHaveLength(6);
  });

  test('an agent’s own word becomes a condition, and is taken back', async () => {
    const say = (status: string, reason?: string) =>
      publish({ agent_id: agent.agent_id, status, reason }, subjects.status(agent.name));
    const conditions = async () =>
      ((await server.call('GET', `/api/v1/agents/${agent.agent_id}`)).body as Agent).conditions;
    await say('degraded', 'disk is slow');
    await waitFor(
      async () => (await conditions()).some(({ message }) => message === 'disk is slow'),
      LONG,
    );
    await say('healthy');
    await waitFor(async () => (await conditions()).length === 0, LONG);
  });

  test('an agent called offline before a start is on time again with its first heartbeat after it', async () => {
    await server.database.pool
      .updateTable('agents')
      .set({
        status: 'running',
        conditions: JSON.stringify([
          {
            type: 'offline',
            reason: 'no_heartbeat',
            message: 'x',
            since: '2026-03-01T10:00:00.000Z',
          },
        ]),
      })
      .where('id', '=', agent.agent_id)
      .execute();
    await server.restart();
    beat();
    await waitFor(
      async () =>
        ((await server.call('GET', `/api/v1/agents/${agent.agent_id}`)).body as Agent).conditions
          .length === 0,
      LONG,
    );
  });
});

describe('the live feed', () => {
  const idOf = ({ data }: FeedMessage) => (data as { finding_id?: string } | null)?.finding_id;
  const reader = () => server.tokenFor({ kind: 'user', roles: ['read-only'] });
  const topics = ['findings', 'agents'];

  test('hears a finding as the list shows it, at both addresses', async () => {
    const clients = [
      await feedClient(server.url, { token: await reader(), topics }),
      await feedClient(server.url, { token: await reader(), topics, path: '/agents/ws' }),
    ];
    for (const client of clients) await client.waitFor(({ type }) => type === 'snapshot');
    await publish(finding(agent.agent_id, 'live-1'));
    for (const client of clients) {
      const { type, data, cursor } = await client.waitFor((message) => idOf(message) === 'live-1');
      expect([type, data]).toEqual(['finding', await stored('live-1')]);
      expect(cursor).toMatch(/^[0-9a-z]+\.\d+$/);
      client.close();
    }
  });

  test('a client that comes back misses nothing, also over a restart of the server', async () => {
    const token = await reader();
    const first = await feedClient(server.url, { token, topics });
    await first.waitFor(({ type }) => type === 'snapshot');
    await publish(finding(agent.agent_id, 'resume-0'));
    const { cursor } = await first.waitFor((message) => idOf(message) === 'resume-0');
    first.close();
    for (let n = 1; n <= 5; n += 1) await publish(finding(agent.agent_id, `resume-${n}`));
    await isStored('resume-5');
    await waitFor(async () => (await countOf('outbox')) === 0, LONG);
    const wanted = ['resume-1', 'resume-2', 'resume-3', 'resume-4', 'resume-5'];
    const resumed = async () => {
      const client = await feedClient(server.url, { token, topics, cursor: String(cursor) });
      await client.waitFor((message) => idOf(message) === 'resume-5');
      client.close();
      return client.heard.filter(({ type }) => type === 'finding');
    };
    expect((await resumed()).map(idOf)).toEqual(wanted);
    await server.restart();
    expect((await resumed()).map(idOf)).toEqual(wanted);
  });

  test('a cursor of another epoch gets a snapshot and goes on from there', async () => {
    const client = await feedClient(server.url, {
      token: await reader(),
      topics,
      cursor: 'elsewhere.17',
    });
    const snapshot = await client.waitFor(({ type }) => type === 'snapshot');
    expect(snapshot.cursor).toMatch(/^[0-9a-z]+\.\d+$/);
    client.close();
  });

  test.each<[string, (() => Promise<string>) | undefined, unknown, number]>([
    ['a wrong token', async () => 'rubbish', undefined, 4401],
    ['nothing but a subscription', undefined, { type: 'subscribe', topics: ['agents'] }, 4401],
    ['what is not JSON', undefined, 'hello', 4400],
    ['a topic nobody knows', reader, { type: 'subscribe', topics: ['secrets'] }, 4400],
    ['no topic', reader, { type: 'subscribe', topics: [] }, 4400],
    [
      'an agent’s token',
      () => server.tokenFor({ kind: 'agent', id: 'test-1' }),
      { type: 'subscribe', topics: ['agents'] },
      4403,
    ],
    [
      'a user without roles',
      () => server.tokenFor({ kind: 'user' }),
      { type: 'subscribe', topics: ['findings'] },
      4403,
    ],
  ])('%s ends the connection with its code', async (_, token, message, code) => {
    const client = await feedClient(
      server.url,
      token === undefined ? {} : { token: await token() },
    );
    if (message !== undefined) client.send(message);
    const closed = await client.waitForClose();
    expect(closed.code).toBe(code);
    expect(closed.reason).not.toBe('');
    expect(client.heard).toEqual([]);
  });

  test('a client whose session ends is cut', async () => {
    const code = new URL(server.app.setupUrl ?? '').searchParams.get('code');
    const { body } = await server.call('POST', '/api/v1/setup', {
      token: null,
      body: { code, username: 'ada', password: 'correct horse battery staple' },
    });
    const pair = body as { access_token: string; refresh_token: string };
    const client = await feedClient(server.url, { token: pair.access_token, topics });
    await client.waitFor(({ type }) => type === 'snapshot');
    await server.call('POST', '/api/v1/auth/logout', {
      token: null,
      body: { refresh_token: pair.refresh_token },
    });
    expect((await client.waitForClose()).code).toBe(4401);
    await server.restart();
    await waitFor(
      async () =>
        (await server.call('GET', '/api/v1/auth/me', { token: pair.access_token })).status === 401,
      LONG,
    );
  });
});

describe('the outbox', () => {
  const published = async (kind: string) => {
    const subject = `opmas.events.${kind}`;
    const info = await bus.request(
      '$JS.API.STREAM.INFO.FEED',
      JSON.stringify({ subjects_filter: subject }),
    );
    const { state } = info.json() as { state: { subjects?: Record<string, number> } };
    return state.subjects?.[subject] ?? 0;
  };

  test('a row published and not yet removed is published once', async () => {
    const row = { kind: 'test.crash', data: '{"n":1}', created_at: new Date() };
    const insert = sql`INSERT INTO outbox (id, kind, data, created_at) OVERRIDING SYSTEM VALUE
      VALUES (${900_000_000}, ${row.kind}, ${row.data}::jsonb, ${row.created_at})`;
    for (let crash = 0; crash < 3; crash += 1) {
      // As after a crash between publishing and removing: the same row is there again.
      await insert.execute(server.database.pool);
      await waitFor(async () => (await countOf('outbox')) === 0, LONG);
    }
    expect(await published('test.crash')).toBe(1);
  });

  test('what the broker can never take holds up nothing behind it', async () => {
    await sql`INSERT INTO outbox (kind, data) VALUES
      ('test.huge', jsonb_build_object('x', repeat('x', 6000000))), ('test.behind', '{}')`.execute(
      server.database.pool,
    );
    await waitFor(async () => (await countOf('outbox')) === 0, LONG);
    expect(await published('test.behind')).toBe(1);
    expect(await published('test.huge')).toBe(0);
  });

  test('a lease has one holder, passes on when it ends, and its epoch only grows', async () => {
    const db = server.database.pool;
    expect(await takeLease(db, 'test', 'a')).toBe(1);
    expect(await takeLease(db, 'test', 'b')).toBeUndefined();
    expect(await takeLease(db, 'test', 'a')).toBe(1);
    const expire = () =>
      db
        .updateTable('leases')
        .set({ expires_at: sql<Date>`now() - interval '1 second'` })
        .where('name', '=', 'test')
        .execute();
    await expire();
    const claims = await Promise.all(
      ['b', 'c', 'd'].map((holder) => takeLease(db, 'test', holder)),
    );
    expect(claims.filter((epoch) => epoch === 2)).toHaveLength(1);
    expect(claims.filter((epoch) => epoch === undefined)).toHaveLength(2);
    await expire();
    expect(await takeLease(db, 'test', 'a')).toBe(3);
  });

  test('a server that stops lets go of its lease, and the next has a higher epoch', async () => {
    const relay = () =>
      server.database.pool
        .selectFrom('leases')
        .selectAll()
        .where('name', '=', 'relay')
        .executeTakeFirstOrThrow();
    const before = await relay();
    await server.restart();
    await waitFor(async () => (await relay()).holder !== before.holder, LONG);
    expect((await relay()).epoch).toBeGreaterThan(before.epoch);
  });
});
