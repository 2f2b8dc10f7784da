/** An agent's way through a whole server: registration, renewal, configuration, commands, removal. */
import { type Bus, createNkey, signWithSeed } from '@opmas/bus';
import {
  type Action,
  type Agent,
  type ControlMessage,
  credentialsChallenge,
  type HostReport,
  type InstanceReport,
  type RegistrationAnswer,
  subjects,
} from '@opmas/protocol';
import { waitFor } from '@opmas/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  claimOf,
  itemsOf,
  LONG,
  launchTicket,
  register,
  registeredAgent,
  testBus,
} from './testing/fleet.ts';
import { type TestServer, testServer } from './testing/server.ts';

let server: TestServer;
let bus: Bus;
let agent: Agent;
beforeAll(async () => {
  server = await testServer({ env: { OPMAS_AGENT_PROCESSING__BATCH_SIZE: '50' } });
  bus = await testBus(server);
  agent = await registeredAgent(server, 'Watcher');
});
afterAll(async () => {
  await bus.close();
  await server.stop();
});

const agentPath = (rest = '') => `/api/v1/agents/${agent.agent_id}${rest}`;
const claim = (token: string | null | undefined, more: object = {}) =>
  server.call('POST', '/api/v1/agents', {
    token: null,
    body: { ...claimOf(agent), discovery_token: token, ...more },
  });

describe('registration', () => {
  test('a package becomes a registered agent with an id of its type', () => {
    expect(agent.agent_id).toMatch(/^test-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
    expect(agent).toMatchObject({
      name: 'Watcher',
      status: 'registered',
      desired: 'running',
      config_version: 0,
    });
  });

  test('of two claims with one token at once, one wins', async () => {
    const { registration_token } = await launchTicket(bus, agent);
    const answers = await Promise.all(Array.from({ length: 4 }, () => claim(registration_token)));
    expect(answers.map(({ status }) => status).sort((a, b) => a - b)).toEqual([201, 401, 401, 401]);
    const lost = answers.find(({ status }) => status === 401);
    expect(lost?.body).toMatchObject({ code: 'OPMAS_TOKEN_INVALID' });
  });

  test('without a public key a seed is made, with one the key stays with the agent', async () => {
    const made = await register(server, bus, agent);
    expect(made).toMatchObject({ agent_id: agent.agent_id, expires_in: 3_600 });
    expect(made.nats.credentials?.seed).toMatch(/^SU/);
    const own = await register(server, bus, agent, createNkey('user').public_key);
    expect(own.nats.credentials?.jwt).toMatch(/^ey/);
    expect(own.nats.credentials?.seed).toBeUndefined();
  });

  test('a token that is unknown, expired, or another agent’s is worth nothing', async () => {
    expect((await claim('no-such-token')).body).toMatchObject({ code: 'OPMAS_TOKEN_INVALID' });
    const { registration_token } = await launchTicket(bus, agent);
    await server.database.pool
      .updateTable('registration_tokens')
      .set({ expires_at: new Date(Date.now() - 1) })
      .where('used_at', 'is', null)
      .execute();
    expect(await claim(registration_token)).toMatchObject({
      status: 401,
      body: { code: 'OPMAS_TOKEN_INVALID' },
    });
    const again = await launchTicket(bus, agent);
    expect(await claim(again.registration_token, { agent_name: 'Other' })).toMatchObject({
      status: 409,
      body: { code: 'OPMAS_AGENT_NAME_TAKEN' },
    });
    expect(await claim(again.registration_token, { agent_version: '9.9.9' })).toMatchObject({
      status: 409,
      body: { code: 'OPMAS_CONFLICT' },
    });
  });

  test('the token is kept as a hash only', async () => {
    const { registration_token } = await launchTicket(bus, agent);
    const rows = await server.database.pool.selectFrom('registration_tokens').selectAll().execute();
    expect(JSON.stringify(rows)).not.toContain(registration_token);
  });

  test('a host gets no ticket for the agent of another host, nor for nonsense', async () => {
    const request = { agent_id: agent.agent_id, instance_id: 'i', enrolled: false };
    for (const [host, body] of [
      ['other', JSON.stringify(request)],
      ['local', '{}'],
      ['local', 'not json'],
    ] as const) {
      const answer = await bus.request(subjects.hostLaunch(host), body);
      expect(answer.json()).toMatchObject({ ok: false });
    }
  });
});

describe('renewal by signature', () => {
  const key = createNkey('user');
  let nonces = 0;
  const renewal = (given: { seed?: string; timestamp?: string; nonce?: string } = {}) => {
    nonces += 1;
    const request = {
      instance_id: 'i1',
      timestamp: given.timestamp ?? new Date().toISOString(),
      nonce: given.nonce ?? `nonce-nonce-nonce-${nonces}`,
    };
    const text = credentialsChallenge({ agent_id: agent.agent_id, ...request });
    const signature = Buffer.from(signWithSeed(given.seed ?? key.seed, Buffer.from(text)));
    return { ...request, signature: signature.toString('base64url') };
  };
  const renew = (body: object) =>
    server.call('POST', agentPath('/credentials'), { token: null, body });

  beforeAll(async () => {
    await register(server, bus, agent, key.public_key);
  });

  test('gives the answer of a registration, again and again', async () => {
    const answer = await renew(renewal());
    expect(answer.status).toBe(200);
    const { access_token, agent_id } = answer.body as RegistrationAnswer;
    expect(agent_id).toBe(agent.agent_id);
    const config = await server.call('GET', agentPath('/config'), { token: access_token });
    expect(config.status).toBe(200);
    expect((await renew(renewal())).status).toBe(200);
  });

  test.each([
    ['another key', () => renewal({ seed: createNkey('user').seed })],
    ['an old time', () => renewal({ timestamp: new Date(Date.now() - 600_000).toISOString() })],
    ['a time to come', () => renewal({ timestamp: new Date(Date.now() + 600_000).toISOString() })],
    ['another instance than signed', () => ({ ...renewal(), instance_id: 'i2' })],
    ['another nonce than signed', () => ({ ...renewal(), nonce: 'x'.repeat(20) })],
  ])('is refused for %s', async (_, body) => {
    expect(await renew(body())).toMatchObject({
      status: 401,
      body: { code: 'OPMAS_UNAUTHENTICATED' },
    });
  });

  test('is refused for a nonce used before, also when both come at once', async () => {
    const body = renewal();
    const answers = await Promise.all([renew(body), renew(body), renew(body)]);
    expect(answers.map(({ status }) => status).sort((a, b) => a - b)).toEqual([200, 401, 401]);
  });

  test('of an agent nobody knows is 404', async () => {
    const path = '/api/v1/agents/test-none/credentials';
    expect((await server.call('POST', path, { token: null, body: renewal() })).status).toBe(404);
  });
});

describe('configuration', () => {
  const config = (query = '') => server.call('GET', agentPath(`/config${query}`));
  const put = (body: unknown, ifMatch?: string, query = '') =>
    server.call('PUT', agentPath(`/config${query}`), {
      body,
      ...(ifMatch === undefined ? {} : { headers: { 'if-match': ifMatch } }),
    });
  const versionOf = (body: unknown) => (body as { version: number }).version;

  test('the effective one names the layer of each value', async () => {
    const { body, headers } = await config('?origins=true');
    expect(body).toMatchObject({
      agent_id: agent.agent_id,
      config: {
        nats: { url: server.nats.url },
        processing: { batch_size: 50, max_retries: 3 },
        subscribed_topics: ['logs.security'],
        rules: [{ id: 'r1' }],
      },
      origins: {
        'nats.url': 'environment',
        'processing.batch_size': 'environment',
        'processing.max_retries': 'default',
        rules: 'package',
      },
    });
    expect(headers.get('etag')).toBe(`"${versionOf(body)}"`);
  });

  test('aliases are taken and answered canonical; the database layer is what was put', async () => {
    const answer = await put(
      { LOG_LEVEL: 'warn', batch_size: 7, own: { a: 1 } },
      undefined,
      '?reason=why',
    );
    expect(answer.body).toMatchObject({
      config: {
        monitoring: { log_level: 'WARNING' },
        processing: { batch_size: 7 },
        own: { a: 1 },
      },
    });
    expect((await config('?layer=database')).body).toMatchObject({
      config: {
        monitoring: { log_level: 'WARNING' },
        processing: { batch_size: 7 },
        own: { a: 1 },
      },
    });
    const { hash } = (await config()).body as { hash: string };
    const { config_hash } = (await server.call('GET', agentPath())).body as Agent;
    expect(hash).toBe(config_hash);
  });

  test('a running agent hears of it, with the version and the hash', async () => {
    const heard: ControlMessage[] = [];
    const listening = bus.subscribe(subjects.control(agent.name), (message) => {
      heard.push(message.json() as ControlMessage);
    });
    await bus.flush();
    const { body } = await put({ timeout: 12 });
    const { version, hash } = body as { version: number; hash: string };
    // An earlier one that nobody answered may be told once more before.
    const message = await waitFor(
      () => heard.find(({ payload }) => (payload as { hash?: string }).hash === hash),
      LONG,
    );
    await listening.stop();
    expect(message).toMatchObject({
      command: 'update_config',
      payload: { version, hash, config: { processing: { timeout: 12 } } },
    });
  });

  test('a version that moved on is 412, and nothing is changed', async () => {
    const { body } = await config();
    const now = versionOf(body);
    const moved = await put({ timeout: 1 }, `"${now - 1}"`);
    expect(moved).toMatchObject({ status: 412, body: { code: 'OPMAS_VERSION_CONFLICT' } });
    expect((await put({ timeout: 1 }, 'banana')).status).toBe(400);
    expect(versionOf((await config()).body)).toBe(now);
    expect((await put({ timeout: 13 }, `"${now}"`)).status).toBe(200);
  });

  test.each<[string, unknown, string]>([
    ['a number out of range', { processing: { batch_size: 0 } }, 'processing.batch_size'],
    ['text for a number', { heartbeat_interval: 'soon' }, 'monitoring.heartbeat_interval'],
    ['a topic with a wildcard', { subscribed_topics: ['logs.>'] }, 'subscribed_topics'],
    ['a findings topic of logs', { findings_topic: 'logs.security' }, 'findings_topic'],
    ['a rule without a pattern', { rules: [{ id: 'x' }] }, 'rules[0]'],
    [
      'a regular expression that is none',
      { rules: [rule('a'), { ...rule('b'), kind: 'regex', pattern: '(a' }] },
      'rules[1].pattern',
    ],
    ['two rules of one id', { rules: [rule('a'), rule('a')] }, 'rules[1].id'],
  ])('%s is 400 with its path', async (_, body, path) => {
    const answer = await put(body);
    expect(answer).toMatchObject({ status: 400, body: { code: 'OPMAS_INVALID_CONFIGURATION' } });
    const { errors } = answer.body as { errors: { path: string }[] };
    expect(
      errors.some((error) => error.path.startsWith(path)),
      JSON.stringify(errors),
    ).toBe(true);
  });

  test.each<[string, unknown]>([
    ['text with NUL', { own: 'a\u0000b' }],
    ['half a character', { own: 'a\ud800b' }],
    ['a key too long', { ['k'.repeat(300)]: 1 }],
    ['no object', [1]],
  ])('%s is refused, not a fault of the server', async (_, body) => {
    expect((await put(body)).status).toBe(400);
  });

  test('of thirty at once none is lost and versions grow one by one', async () => {
    const before = versionOf((await config()).body);
    const answers = await Promise.all(Array.from({ length: 30 }, (_, n) => put({ own: { n } })));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    const versions = answers.map(({ body }) => versionOf(body)).sort((a, b) => a - b);
    expect(versions).toEqual(Array.from({ length: 30 }, (_, n) => before + 1 + n));

    const seen: { version: number; config: { own: { n: number } } }[] = [];
    for (let cursor = ''; ; ) {
      const { body } = await server.call('GET', agentPath(`/config/history?limit=7${cursor}`));
      seen.push(...itemsOf<(typeof seen)[number]>(body));
      const next = (body as { next_cursor: string | null }).next_cursor;
      if (next === null) break;
      cursor = `&cursor=${next}`;
    }
    expect(seen.map(({ version }) => version)).toEqual(
      Array.from({ length: before + 30 }, (_, n) => before + 30 - n),
    );
    const written = seen.filter(({ version }) => version > before);
    expect(written.map((each) => each.config.own.n).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 30 }, (_, n) => n),
    );
  });

  test('of thirty at once with the same If-Match one wins', async () => {
    const now = versionOf((await config()).body);
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, n) => put({ own: { n } }, `"${now}"`)),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 412)).toHaveLength(29);
  });

  test('new topics have their consumers', async () => {
    expect((await put({ subscribed_topics: ['logs.security', 'logs.site.wifi'] })).status).toBe(
      200,
    );
    await waitFor(async () => {
      const info = await bus.request(`$JS.API.CONSUMER.INFO.EVENTS.${agent.name}=site=wifi`);
      return (info.json() as { config?: unknown }).config;
    }, LONG);
  });
});

describe('agents as resources', () => {
  test('are listed by name, page by page, and found by type, status and text', async () => {
    for (const name of ['Alpha', 'Beta', 'Gamma']) await registeredAgent(server, name);
    const names: string[] = [];
    for (let cursor = ''; ; ) {
      const { body } = await server.call('GET', `/api/v1/agents?limit=2${cursor}`);
      names.push(...itemsOf<Agent>(body).map(({ name }) => name));
      const next = (body as { next_cursor: string | null }).next_cursor;
      if (next === null) break;
      cursor = `&cursor=${next}`;
    }
    expect(names).toEqual(['Alpha', 'Beta', 'Gamma', 'Watcher']);
    const count = async (query: string) =>
      itemsOf((await server.call('GET', `/api/v1/agents?${query}`)).body).length;
    expect(await count('type=test')).toBe(4);
    expect(await count('type=none')).toBe(0);
    expect(await count('status=removed')).toBe(0);
    expect(await count('q=lph')).toBe(1);
    expect(await count('q=%25')).toBe(0);
  });

  test('take a description, tags and limits; not another name', async () => {
    const put = (body: object) => server.call('PUT', agentPath(), { body });
    const answer = await put({ description: 'Door', tags: ['edge'], limits: { cpus: 1 } });
    expect(answer.body).toMatchObject({ description: 'Door', tags: ['edge'] });
    const tagged = await server.call('GET', '/api/v1/agents?tag=edge');
    expect(itemsOf<Agent>(tagged.body).map(({ name }) => name)).toEqual(['Watcher']);
    expect(await put({ name: 'Other' })).toMatchObject({ status: 409 });
    expect(await put({ tags: ['x', 'x'] })).toMatchObject({ status: 400 });
    expect(await put({ status: 'running' })).toMatchObject({ status: 400 });
  });
});

describe('commands', () => {
  const command = async (name: string) => {
    const answer = await server.call('POST', agentPath(`/${name}`));
    expect(answer.status).toBe(202);
    return answer.body as Action;
  };
  const action = async (id: string) =>
    (await server.call('GET', `/api/v1/actions/${id}`)).body as Action;
  const generation = async () =>
    (
      await server.database.pool
        .selectFrom('agents')
        .select('generation')
        .where('id', '=', agent.agent_id)
        .executeTakeFirstOrThrow()
    ).generation;
  const report = async (more: Partial<InstanceReport>, host = 'local') => {
    const now = new Date().toISOString();
    const instance: InstanceReport = {
      agent_id: agent.agent_id,
      agent_name: agent.name,
      instance_id: 'i1',
      state: 'ready',
      reason: null,
      pid: 4_242,
      started_at: now,
      restarts: 0,
      next_start_at: null,
      generation: await generation(),
      ...more,
    };
    const message: HostReport = {
      host_id: host,
      hostname: 'h',
      boot_id: 'b',
      pid: 1,
      started_at: now,
      timestamp: now,
      instances: [instance],
    };
    bus.publish(subjects.hostActual(host), JSON.stringify(message));
    await bus.flush();
  };
  const statusBecomes = (status: string) =>
    waitFor(
      async () => ((await server.call('GET', agentPath())).body as Agent).status === status,
      LONG,
    );

  test('a restart is done when the host reports its generation ready, not before', async () => {
    const old = await generation();
    const { action_id, state } = await command('restart');
    expect(state).toBe('pending');
    await report({ generation: old });
    await statusBecomes('running');
    expect((await action(action_id)).state).toBe('pending');
    await report({});
    await waitFor(async () => (await action(action_id)).state === 'done', LONG);
  });

  test('a stop is done when it is stopped, and stays desired', async () => {
    const { action_id } = await command('stop');
    await report({ state: 'stopped', pid: null, instance_id: null });
    await waitFor(async () => (await action(action_id)).state === 'done', LONG);
    expect((await server.call('GET', agentPath())).body).toMatchObject({
      status: 'stopped',
      desired: 'stopped',
      pid: null,
    });
  });

  test('a start that fails says why', async () => {
    const { action_id } = await command('start');
    await report({ state: 'failed', reason: 'exit code 1' });
    await waitFor(async () => (await action(action_id)).state === 'failed', LONG);
    expect(await action(action_id)).toMatchObject({ reason: 'exit code 1' });
    expect((await server.call('GET', agentPath())).body).toMatchObject({
      status: 'failed',
      reason: 'exit code 1',
    });
  });

  test('an action nobody answers expires', async () => {
    const { action_id } = await command('restart');
    await server.database.pool
      .updateTable('actions')
      .set({ deadline: new Date(Date.now() - 1) })
      .where('action_id', '=', action_id)
      .execute();
    await waitFor(async () => (await action(action_id)).state === 'expired', LONG);
  });

  test('commands at once have a generation each', async () => {
    const ids = await Promise.all(Array.from({ length: 8 }, () => command('restart')));
    const rows = await server.database.pool
      .selectFrom('actions')
      .select('generation')
      .where(
        'action_id',
        'in',
        ids.map(({ action_id }) => action_id),
      )
      .execute();
    expect(new Set(rows.map((row) => row.generation)).size).toBe(8);
  });

  test('a host that does not run the agent cannot speak for it', async () => {
    const before = ((await server.call('GET', agentPath())).body as Agent).status;
    await report({ pid: 6_666 }, 'stranger');
    await report({ pid: 7_777 });
    await waitFor(
      async () => ((await server.call('GET', agentPath())).body as Agent).pid === 7_777,
      LONG,
    );
    expect(before).toBe('failed');
    const rows = await server.database.pool
      .selectFrom('hosts')
      .select('id')
      .orderBy('id')
      .execute();
    expect(rows.map(({ id }) => id)).toEqual(['local', 'stranger']);
  });
});

describe('removal', () => {
  test('ends the agent, its token, and every later word of it', async () => {
    const { access_token } = await register(server, bus, agent);
    const { body } = await server.call('POST', agentPath('/restart'));
    expect((await server.call('DELETE', agentPath())).status).toBe(204);
    expect((await server.call('DELETE', agentPath())).status).toBe(404);
    expect((await server.call('POST', agentPath('/start'))).status).toBe(409);
    expect((await server.call('PUT', agentPath(), { body: { desired: 'running' } })).status).toBe(
      409,
    );
    expect(await launchTicket(bus, agent)).toMatchObject({ ok: false });
    await waitFor(
      async () =>
        (await server.call('GET', agentPath('/config'), { token: access_token })).status === 401,
      LONG,
    );
    const listed = await server.call('GET', '/api/v1/agents?status=removed');
    expect(itemsOf<Agent>(listed.body)).toMatchObject([
      { name: 'Watcher', reason: 'Removed by local owner', desired: 'stopped' },
    ]);
    expect((body as Action).state).toBe('pending');
    const packages = await server.call('GET', '/api/v1/packages?state=ignored');
    expect(itemsOf(packages.body)).toHaveLength(1);
  });

  test('is audited with who did it, as every change is', async () => {
    const rows = await server.database.pool
      .selectFrom('audit_log')
      .select(['action', 'actor', 'outcome'])
      .where('object', '=', agent.agent_id)
      .execute();
    const said = rows.map(({ action, outcome }) => `${action} ${outcome}`);
    for (const action of ['agents.discovered', 'agents.register', 'configs.put', 'agents.delete']) {
      expect(said).toContain(`${action} ok`);
    }
    expect(rows.find(({ action }) => action === 'agents.delete')?.actor).toBe('local owner');
  });
});

function rule(id: string) {
  return { id, name: 'R', pattern: 'bad', severity: 'warning', action: 'alert' };
}
