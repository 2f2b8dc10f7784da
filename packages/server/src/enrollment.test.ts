/** Agents on other machines: let in by an enrollment token, once for each use, and no further than it says. */
import { type Bus, createNkey } from '@opmas/bus';
import { type Agent, consumerName, type RegistrationAnswer, subjects } from '@opmas/protocol';
import { waitFor } from '@opmas/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { itemsOf, LONG, registeredAgent, testBus } from './testing/fleet.ts';
import { connectAs, jwtOf, renewAs, ticketFor } from './testing/identity.ts';
import { type Answer, type TestServer, testServer } from './testing/server.ts';

/** A server of its own: what an address did wrong in one test must not count in another. */
async function withServer(work: (server: TestServer, bus: Bus) => Promise<void>): Promise<void> {
  const server = await testServer();
  const bus = await testBus(server);
  try {
    await work(server, bus);
  } finally {
    await bus.close();
    await server.stop();
  }
}

async function enrollmentToken(server: TestServer, more: object = {}): Promise<string> {
  const body = { kind: 'enrollment', name: 'far', ...more };
  const answer = await server.call('POST', '/api/v1/tokens', { body });
  if (answer.status !== 201) throw new Error(JSON.stringify(answer.body));
  return (answer.body as { token: string }).token;
}

function enroll(server: TestServer, token: string, more: object = {}): Promise<Answer> {
  return server.call('POST', '/api/v1/agents', {
    token: null,
    body: {
      agent_name: 'Far',
      agent_version: '1.0.0',
      agent_type: 'far',
      discovery_token: token,
      public_key: createNkey('user').public_key,
      ...more,
    },
  });
}

const statuses = (answers: readonly Answer[], status: number) =>
  answers.filter((answer) => answer.status === status).length;

describe('X15 enrollment tokens', () => {
  test('of a hundred parallel uses of a one-time token exactly one succeeds', () =>
    withServer(async (server) => {
      const token = await enrollmentToken(server);
      const answers = await Promise.all(
        Array.from({ length: 100 }, (_, n) => enroll(server, token, { agent_name: `Far${n}` })),
      );
      expect(statuses(answers, 201)).toBe(1);
      expect(statuses(answers, 401) + statuses(answers, 429)).toBe(99);
      expect((await server.call('GET', '/api/v1/agents')).body).toMatchObject({
        items: [{ type: 'far' }],
      });
    }));

  test('of a hundred parallel uses of a launch’s token exactly one succeeds', () =>
    withServer(async (server, bus) => {
      const agent = await registeredAgent(server, 'Near');
      const token = await ticketFor(bus, agent, 'i1', false);
      const claim = { agent_name: agent.name, agent_type: agent.type };
      const answers = await Promise.all(
        Array.from({ length: 100 }, () => enroll(server, token ?? '', claim)),
      );
      expect(statuses(answers, 201)).toBe(1);
    }));

  test('of twenty uses of a token for five, five succeed', () =>
    withServer(async (server) => {
      const token = await enrollmentToken(server, { max_uses: 5 });
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, n) => enroll(server, token, { agent_name: `Far${n}` })),
      );
      expect(statuses(answers, 201)).toBe(5);
    }));

  test('ten failures of an address, and it waits a minute, also with a good token', () =>
    withServer(async (server) => {
      for (let n = 0; n < 10; n += 1) {
        const answer = await enroll(server, n % 2 === 0 ? `guess-${n}` : `opmas_enroll_guess${n}`);
        expect(answer).toMatchObject({ status: 401, body: { code: 'OPMAS_TOKEN_INVALID' } });
      }
      const blocked = await enroll(server, await enrollmentToken(server));
      expect(blocked).toMatchObject({ status: 429, body: { code: 'OPMAS_RATE_LIMITED' } });
      expect(Number(blocked.headers.get('retry-after'))).toBeGreaterThan(0);
    }));
});

describe('X15 what a token allows', () => {
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
  const enrolled = async (token: string, more: object = {}): Promise<RegistrationAnswer> => {
    const { status, body } = await enroll(server, token, more);
    if (status !== 201) throw new Error(JSON.stringify(body));
    return body as RegistrationAnswer;
  };
  const agentOf = async (id: string) =>
    (await server.call('GET', `/api/v1/agents/${id}`)).body as Agent;

  test('an expired, a revoked one, and one for another type are worth nothing', async () => {
    const revoked = await enrollmentToken(server);
    const list = await server.call('GET', '/api/v1/tokens?kind=enrollment');
    const [row] = itemsOf<{ token_id: string }>(list.body);
    await server.call('DELETE', `/api/v1/tokens/${row?.token_id}`);
    const expired = await enrollmentToken(server);
    await server.database.pool
      .updateTable('tokens')
      .set({ expires_at: new Date(Date.now() - 1) })
      .where('revoked_at', 'is', null)
      .execute();
    const typed = await enrollmentToken(server, { agent_type: 'other' });
    for (const token of [revoked, expired, typed]) {
      expect(await enroll(server, token)).toMatchObject({
        status: 401,
        body: { code: 'OPMAS_TOKEN_INVALID' },
      });
    }
    await enrolled(typed, { agent_name: 'Typed', agent_type: 'other' });
  });

  test('only its hash is kept', async () => {
    const token = await enrollmentToken(server);
    await enrolled(token, { agent_name: 'Hashed' });
    const rows = await server.database.pool.selectFrom('tokens').selectAll().execute();
    expect(JSON.stringify(rows)).not.toContain(token);
  });

  test('of a launch’s token only the hash is kept, and it is worth nothing after ten minutes', async () => {
    const agent = await registeredAgent(server, 'Late');
    const token = (await ticketFor(bus, agent, 'i1', false)) ?? '';
    const rows = await server.database.pool.selectFrom('registration_tokens').selectAll().execute();
    expect(JSON.stringify(rows)).not.toContain(token);
    const life = rows.map(({ expires_at }) => expires_at.getTime() - Date.now());
    expect(Math.max(...life)).toBeLessThanOrEqual(600_000);
    await server.database.pool
      .updateTable('registration_tokens')
      .set({ expires_at: new Date(Date.now() - 1) })
      .execute();
    const claim = { agent_name: agent.name, agent_type: agent.type };
    expect(await enroll(server, token, claim)).toMatchObject({
      status: 401,
      body: { code: 'OPMAS_TOKEN_INVALID' },
    });
  });

  test('a key that another agent has is refused, and costs no use', async () => {
    const key = createNkey('user');
    const token = await enrollmentToken(server, { max_uses: 2 });
    await enrolled(token, { agent_name: 'First', public_key: key.public_key });
    const copied = { agent_name: 'Second', public_key: key.public_key };
    expect(await enroll(server, token, copied)).toMatchObject({
      status: 409,
      body: { code: 'OPMAS_CONFLICT' },
    });
    await enrolled(token, { agent_name: 'Second' });
  });

  test('the agent is as it says, with the token’s tags, and can read its topics from then on', async () => {
    const token = await enrollmentToken(server, { tags: ['edge'] });
    const key = createNkey('user');
    const answer = await enrolled(token, {
      agent_name: 'Said',
      public_key: key.public_key,
      subscribed_topics: ['logs.wifi'],
      findings_topic: 'findings.wifi',
      tags: ['own'],
      description: 'Far away',
    });
    expect(answer.agent_id).toMatch(/^far-[0-9a-f-]{36}$/);
    expect(await agentOf(answer.agent_id)).toMatchObject({
      name: 'Said',
      status: 'registered',
      host_id: null,
      tags: ['edge'],
      description: 'Far away',
    });
    const info = await bus.request(
      `$JS.API.CONSUMER.INFO.EVENTS.${consumerName('Said', 'logs.wifi')}`,
    );
    expect(info.json()).toMatchObject({ config: { filter_subject: 'logs.wifi' } });
    const own = await connectAs(server, { agent: { name: 'Said' }, key }, jwtOf(answer));
    await own.bus.close();
    const config = await server.call('GET', `/api/v1/agents/${answer.agent_id}/config`, {
      token: answer.access_token,
    });
    expect(config.body).toMatchObject({
      config: { subscribed_topics: ['logs.wifi'], findings_topic: 'findings.wifi' },
    });
  });

  test('where the token names no tags, those of the agent are taken', async () => {
    const token = await enrollmentToken(server);
    const { agent_id } = await enrolled(token, { agent_name: 'Tagged', tags: ['own', 'own2'] });
    expect(await agentOf(agent_id)).toMatchObject({ tags: ['own', 'own2'] });
  });

  test('its heartbeat makes it run, its silence offline, and nobody here starts or stops it', async () => {
    const { agent_id } = await enrolled(await enrollmentToken(server), { agent_name: 'Beating' });
    const beat = {
      agent_id,
      status: 'healthy',
      timestamp: new Date().toISOString(),
      uptime: 1,
      interval: 0.3,
    };
    bus.publish(subjects.heartbeat('Beating'), JSON.stringify(beat));
    await waitFor(async () => (await agentOf(agent_id)).status === 'running', LONG);
    await waitFor(
      async () => (await agentOf(agent_id)).conditions.some(({ type }) => type === 'offline'),
      LONG,
    );
    for (const command of ['start', 'stop', 'restart']) {
      const path = `/api/v1/agents/${agent_id}/${command}`;
      expect(await server.call('POST', path)).toMatchObject({ status: 409 });
    }
  });

  test('a name that is taken is refused, and costs no use', async () => {
    await enrolled(await enrollmentToken(server), { agent_name: 'Taken' });
    const token = await enrollmentToken(server);
    expect(await enroll(server, token, { agent_name: 'Taken' })).toMatchObject({
      status: 409,
      body: { code: 'OPMAS_AGENT_NAME_TAKEN' },
    });
    await enrolled(token, { agent_name: 'Free' });
  });

  test('with replace the agent keeps its id, and the key of before is revoked', async () => {
    const key = createNkey('user');
    const first = await enrolled(await enrollmentToken(server), {
      agent_name: 'Lost',
      public_key: key.public_key,
    });
    const again = await enrolled(await enrollmentToken(server, { replace: true }), {
      agent_name: 'Lost',
    });
    expect(again.agent_id).toBe(first.agent_id);
    expect(await renewAs(server, { agent: first, key }, 'i1')).toMatchObject({ status: 401 });
    await waitFor(
      () =>
        connectAs(server, { agent: { name: 'Lost' }, key }, jwtOf(first)).then(
          async ({ bus: let_in }) => {
            await let_in.close();
            return false;
          },
          () => true,
        ),
      LONG,
    );
  });

  test('an agent that OPMAS runs from a package is replaced by nobody, and none is named like one', async () => {
    const near = await registeredAgent(server, 'Nearby');
    const answer = await enroll(server, await enrollmentToken(server, { replace: true }), {
      agent_name: 'Nearby',
      agent_type: near.type,
    });
    expect(answer).toMatchObject({ status: 409, body: { code: 'OPMAS_AGENT_NAME_TAKEN' } });
  });

  test.each([
    ['no key', { public_key: undefined }],
    ['a wildcard', { subscribed_topics: ['logs.>'] }],
    ['a findings topic of logs', { findings_topic: 'logs.wifi' }],
    ['another replica', { slot: 1 }],
    ['a name that is no token', { agent_name: 'a.b' }],
  ])('%s is refused, and costs no use', async (_, more) => {
    const token = await enrollmentToken(server);
    expect((await enroll(server, token, { agent_name: 'Odd', ...more })).status).toBe(400);
    const after = await server.call('GET', '/api/v1/tokens?kind=enrollment');
    expect(itemsOf<{ uses: number }>(after.body)[0]?.uses).toBe(0);
  });
});

describe('X15 enrolling without a broker', () => {
  test('is refused with a time to come back, and the token stays good', () =>
    withServer(async (server) => {
      const token = await enrollmentToken(server);
      await server.nats.kill9();
      await waitFor(async () => (await enroll(server, token)).status === 503, LONG);
      const refused = await enroll(server, token);
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
      await server.nats.restart();
      await waitFor(async () => (await enroll(server, token)).status === 201, LONG);
    }));

  test('stands when the broker cannot make what it needs; no row waits for the broker', () =>
    withServer(async (server, bus) => {
      const token = await enrollmentToken(server);
      const topics = ['logs.wifi'];
      // The stream that the consumers stand on is away.
      await bus.request('$JS.API.STREAM.DELETE.EVENTS');
      const answer = await enroll(server, token, { subscribed_topics: topics });
      expect(answer.status).toBe(201);
      await server.restart();
      const consumer = `$JS.API.CONSUMER.INFO.EVENTS.${consumerName('Far', 'logs.wifi')}`;
      await waitFor(async () => {
        const info = (await bus.request(consumer)).json() as { config?: object };
        return info.config !== undefined;
      }, LONG);
    }));
});

describe('X15 groups that hold secrets', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await testServer();
    for (const [name, selector] of [
      ['tagged', 'tag=vault'],
      ['sited', 'site=berlin, tag!=old'],
      ['typed', 'type=safe'],
      ['named', 'name=Chosen'],
    ]) {
      await call('POST', '/groups', { name, selector });
      await call('PUT', `/groups/${name}/config`, {
        api: { password: { $secret: 'correct horse' } },
      });
    }
    await call('POST', '/groups', { name: 'open', selector: 'tag=plain' });
    await call('PUT', '/groups/open/config', { api: { url: 'https://example.net' } });
  });
  afterAll(() => server.stop());

  const call = async (method: string, path: string, body: object) => {
    const answer = await server.call(method, `/api/v1${path}`, { body });
    if (answer.status >= 300) throw new Error(JSON.stringify(answer.body));
  };

  test.each([
    ['a tag', { tags: ['vault'] }, 'tags', 'Plain1'],
    ['a tag with a value', { tags: ['site=berlin'] }, 'tags', 'Plain2'],
    ['a type', { agent_type: 'safe' }, 'agent_type', 'Plain3'],
    ['a name', { agent_name: 'Chosen' }, 'agent_name', 'Plain4'],
  ])('are not entered by %s of the agent’s own; it costs no use', async (_, own, path, name) => {
    const token = await enrollmentToken(server);
    expect(await enroll(server, token, own)).toMatchObject({
      status: 403,
      body: { code: 'OPMAS_FORBIDDEN', errors: [{ path }] },
    });
    expect((await enroll(server, token, { agent_name: name })).status).toBe(201);
  });

  test.each([
    ['its tags', { tags: ['vault'] }, {}],
    ['its tags, whatever the agent’s own', { tags: ['site=berlin'] }, { tags: ['old', 'vault'] }],
    ['its type', { agent_type: 'safe' }, { agent_type: 'safe', tags: ['own'] }],
  ])('are entered for what the token says: %s', async (what, token, own) => {
    const far = { agent_name: what.replaceAll(/\W+/g, '-'), ...own };
    const answer = await enroll(server, await enrollmentToken(server, token), far);
    expect(answer.status).toBe(201);
    const { agent_id, access_token } = answer.body as RegistrationAnswer;
    const path = `/api/v1/agents/${agent_id}/config`;
    const told = await server.call('GET', path, { token: access_token });
    expect(told.body).toMatchObject({ config: { api: { password: 'correct horse' } } });
  });

  test('keep nobody out of the others', async () => {
    const far = { agent_name: 'Open', tags: ['plain'] };
    expect((await enroll(server, await enrollmentToken(server), far)).status).toBe(201);
  });

  test('a group is kept closed by a secret of an older version: it may come back', async () => {
    await call('PUT', '/groups/typed/config', { api: { url: 'https://example.net' } });
    const answer = await enroll(server, await enrollmentToken(server), { agent_type: 'safe' });
    expect(answer.status).toBe(403);
  });
});
