/** Layers of the configuration through a whole server: who is reached, who wins, who is told, what is refused. */
import type { Bus } from '@opmas/bus';
import type { Agent } from '@opmas/protocol';
import { waitFor } from '@opmas/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sql } from './kernel/sql.ts';
import { addAgent } from './testing/agents.ts';
import { itemsOf, LONG, register, registeredAgent, testBus } from './testing/fleet.ts';
import { type MovingClock, movingClock } from './testing/moving-clock.ts';
import { type TestServer, testServer } from './testing/server.ts';

let server: TestServer;
let bus: Bus;
let clock: MovingClock;
let agent: Agent;
let other: string;
beforeAll(async () => {
  clock = movingClock();
  server = await testServer({
    env: { OPMAS_ENV: 'staging', OPMAS_AGENT_PROCESSING__BATCH_SIZE: '50' },
    clock,
  });
  bus = await testBus(server);
  agent = await registeredAgent(server, 'Layered');
  other = await addAgent(server.database, 'dns', ['site=paris']);
});
afterAll(async () => {
  await bus.close();
  await server.stop();
});

interface Effective {
  version: number;
  hash: string;
  config: Record<string, unknown>;
  origins: Record<string, string>;
  layers: Record<string, { version: number; author: string; reason: string | null }>;
}
interface Written {
  version: number;
  reached: number;
  changed: number;
}
const api = (path: string) => `/api/v1${path}`;
const effective = async (id = agent.agent_id) =>
  (await server.call('GET', api(`/agents/${id}/config?origins=true`))).body as Effective;
const put = (path: string, body: unknown, headers: Record<string, string> = {}) =>
  server.call('PUT', api(path), { body, headers });
const validate = async (path: string, body: unknown) =>
  (await server.call('POST', api(`${path}/validate`), { body })).body as {
    valid: boolean;
    errors: { path: string; message: string }[];
    diff: { changes: object[] };
    affected: { agent_id: string; changes: object[]; restart: boolean; reprovision: boolean }[];
    counts: Record<string, number>;
  };
const tag = (tags: string[], id = agent.agent_id) => put(`/agents/${id}`, { tags });
/** The newest `config.changed` messages are not published yet, or in the stream: rows tell of both. */
const hashOf = async (id: string) => {
  const row = await server.database.pool
    .selectFrom('agents')
    .select('config_hash')
    .where('id', '=', id)
    .executeTakeFirstOrThrow();
  return row.config_hash;
};

describe('layers', () => {
  test('one over the other, each value with its origin, each layer with its author', async () => {
    const layer = (own: object) => ({ own });
    const environment = '/environments/staging/config';
    expect(
      await put(environment, { ...layer({ a: 'env', b: 'env' }), batch_size: 1, timeout: 5 }),
    ).toMatchObject({ status: 200, body: { scope: 'environment', name: 'staging', version: 1 } });
    await put('/environments/production/config', layer({ nobody: true }));
    expect(
      await put('/config?reason=all', layer({ b: 'fleet', c: 'fleet', d: 'fleet' })),
    ).toMatchObject({ status: 200, body: { scope: 'fleet', name: null, reached: 2 } });
    for (const [name, priority] of [
      ['berlin', 5],
      ['alpha', 10],
    ] as const) {
      const made = await server.call('POST', api('/groups'), {
        body: { name, priority, selector: 'site = berlin, type = test' },
      });
      expect(made).toMatchObject({ status: 201, body: { agents: 0, version: 1 } });
      expect((await put(`/groups/${name}/config`, layer({ c: name, d: name }))).body).toMatchObject(
        { reached: 0, changed: 0 },
      );
    }
    await tag(['site=berlin']);
    await put(`/agents/${agent.agent_id}/config`, layer({ d: 'agent', e: 'agent' }));
    await put(`/agents/${agent.agent_id}/config/runtime`, { log_level: 'debug' });

    const { config, origins, layers, hash } = await effective();
    expect(config).toMatchObject({
      own: { a: 'env', b: 'fleet', c: 'alpha', d: 'agent', e: 'agent' },
      processing: { batch_size: 50, timeout: 5 },
      monitoring: { log_level: 'DEBUG' },
    });
    expect(JSON.stringify(config)).not.toContain('nobody');
    expect(origins).toMatchObject({
      'own.a': 'environment:staging',
      'own.b': 'fleet',
      'own.c': 'group:alpha',
      'own.d': 'agent',
      'processing.batch_size': 'environment',
      'processing.timeout': 'environment:staging',
      'monitoring.log_level': 'runtime',
      rules: 'package',
    });
    expect(layers).toMatchObject({
      fleet: { version: 1, reason: 'all', author: 'local owner' },
      'group:alpha': { version: 1, pinned: false },
      runtime: { version: 1 },
    });
    expect(await hashOf(agent.agent_id)).toBe(hash);
    expect((await effective(other)).config).toMatchObject({
      own: { a: 'env', b: 'fleet', c: 'fleet', d: 'fleet' },
    });
  });

  test('an agent that gets or loses a label, or a group that changes, is told at once', async () => {
    const paris = { name: 'paris', selector: 'site in (paris, lyon)' };
    await server.call('POST', api('/groups'), { body: paris });
    await put('/groups/paris/config', { own: { place: 'paris' } });
    const place = async () =>
      ((await effective(other)).config['own'] as { place?: string }).place ?? null;
    expect(await place()).toBe('paris');
    await tag([], other);
    expect(await place()).toBeNull();
    expect(await hashOf(other)).toBe((await effective(other)).hash);
    const widened = await put('/groups/paris', { selector: 'type=dns', priority: 1 });
    expect(widened).toMatchObject({ status: 200, body: { version: 2, agents: 1, changed: 1 } });
    expect(await place()).toBe('paris');
    expect((await put('/groups/paris', { selector: 'x=y' }, { 'if-match': '"1"' })).status).toBe(
      412,
    );
    expect((await server.call('DELETE', api('/groups/paris'))).status).toBe(204);
    expect(await place()).toBeNull();
    expect(await hashOf(other)).toBe((await effective(other)).hash);
    // Made again it is empty, and its versions go on.
    await server.call('POST', api('/groups'), { body: { ...paris, selector: 'type=dns' } });
    expect(await place()).toBeNull();
    const { body } = await server.call('GET', api('/groups/paris/config/history'));
    expect(itemsOf<Written>(body).map(({ version }) => version)).toEqual([2, 1]);
    await server.call('DELETE', api('/groups/paris'));
  });

  test('only agents whose configuration changed are told', async () => {
    const at = async () => {
      const { rows } = await sql<{ id: number }>`SELECT coalesce(max(last_value), 0) AS id
        FROM pg_sequences WHERE sequencename = 'outbox_id_seq'`.execute(server.database.pool);
      return rows[0]?.id ?? 0;
    };
    const before = await at();
    const same = await put('/config', { own: { b: 'fleet', c: 'fleet', d: 'fleet' } });
    expect(same.body).toMatchObject({ reached: 2, changed: 0 });
    expect(await at()).toBe(before);
    // The group above sets the same key for one of the two.
    const one = await put('/config', { own: { b: 'fleet', c: 'new', d: 'fleet' } });
    expect(one.body).toMatchObject({ reached: 2, changed: 1 });
  });

  test('If-Match, If-None-Match, history, diff and rollback are those of each layer', async () => {
    const now = ((await server.call('GET', api('/config'))).body as Written).version;
    const stale = await put('/config', {}, { 'if-match': `"${now - 1}"` });
    expect(stale).toMatchObject({ status: 412, body: { code: 'OPMAS_VERSION_CONFLICT' } });
    expect((await put('/config', {}, { 'if-none-match': '*' })).status).toBe(412);
    expect((await put('/config', {}, { 'if-none-match': '"1"' })).status).toBe(400);
    const fresh = await put('/environments/testing/config', {}, { 'if-none-match': '*' });
    expect(fresh).toMatchObject({ status: 200, body: { version: 1, reached: 0 } });
    expect(fresh.headers.get('etag')).toBe('"1"');

    const written = await put(
      '/config',
      { own: { b: 'x' }, timeout: 7 },
      { 'if-match': `"${now}"` },
    );
    expect(written.status).toBe(200);
    expect((await server.call('GET', api('/config/diff'))).body).toMatchObject({
      from: now,
      to: now + 1,
      changes: [
        { path: 'own.b', before: 'fleet', after: 'x' },
        { path: 'own.c', before: 'new' },
        { path: 'own.d', before: 'fleet' },
        { path: 'processing.timeout', after: 7 },
      ],
      more: 0,
    });
    const back = await server.call('POST', api('/config/rollback'), { body: { version: now } });
    expect(back).toMatchObject({
      status: 200,
      body: { version: now + 2, config: { own: { c: 'new' } } },
    });
    const { body } = await server.call('GET', api('/config/history?limit=2'));
    expect(itemsOf<Written>(body).map(({ version }) => version)).toEqual([now + 2, now + 1]);
    const first = (await server.call('GET', api('/config/history?limit=1'))).body;
    const { next_cursor: cursor } = first as { next_cursor: string };
    const second = (await server.call('GET', api(`/config/history?limit=1&cursor=${cursor}`))).body;
    expect(itemsOf<Written>(second).map(({ version }) => version)).toEqual([now + 1]);
    for (const forged of ['x', '-1', '1.5', '9'.repeat(30)]) {
      const made = Buffer.from(JSON.stringify([forged])).toString('base64url');
      expect(await server.call('GET', api(`/config/history?cursor=${made}`))).toMatchObject({
        status: 400,
        body: { code: 'OPMAS_INVALID_REQUEST', errors: [{ path: 'cursor' }] },
      });
    }
    const unknown = await server.call('GET', api('/config/diff?from=1&to=99'));
    expect(unknown).toMatchObject({ status: 404, body: { code: 'OPMAS_NOT_FOUND' } });
  });
});

describe('before it is stored', () => {
  test('a validation tells who changes, how, and what that asks of them', async () => {
    const told = await validate('/config', {
      own: { b: 'other' },
      nats: { url: 'nats://elsewhere:4222', tunnel: 'x' },
      findings_topic: 'findings.elsewhere',
    });
    expect(told).toMatchObject({
      valid: true,
      counts: { reached: 2, changed: 2, restart: 2, reprovision: 2, invalid: 0 },
    });
    const mine = told.affected.find(({ agent_id }) => agent_id === agent.agent_id);
    expect(mine).toMatchObject({ restart: true, reprovision: true });
    expect(mine?.changes).toContainEqual({ path: 'own.b', before: 'fleet', after: 'other' });
    expect(mine?.changes).toContainEqual({ path: 'nats.tunnel', after: 'x' });
    const { config } = await effective();
    expect(config).toMatchObject({ own: { b: 'fleet' } });
    const small = await validate('/groups/alpha/config', {
      own: { c: 'alpha', d: 'z' },
      timeout: 9,
    });
    expect(small).toMatchObject({ valid: true, counts: { reached: 1, changed: 1, restart: 0 } });
    expect(small.affected[0]?.changes).toEqual([
      { path: 'processing.timeout', before: 5, after: 9 },
    ]);
  });

  test('what would make any agent invalid is refused, and named', async () => {
    await put(`/agents/${other}/config`, { processing: { batch_size: 10 } });
    for (const path of ['/config', '/groups/alpha/config', '/environments/staging/config']) {
      const bad = { monitoring: { heartbeat_interval: 0 } };
      const refused = await put(path, bad);
      expect(refused).toMatchObject({
        status: 400,
        body: {
          code: 'OPMAS_INVALID_CONFIGURATION',
          detail: expect.stringContaining(agent.name),
          errors: expect.arrayContaining([
            expect.objectContaining({ path: 'monitoring.heartbeat_interval' }),
          ]),
        },
      });
      const told = await validate(path, bad);
      expect(told.valid).toBe(false);
      expect(told.errors[0]?.path).toBe('monitoring.heartbeat_interval');
    }
    const told = await validate('/config', { rules: [{ id: 'x' }] });
    expect(told).toMatchObject({ valid: false, errors: [{ path: 'rules[0]' }] });
    expect(await put('/groups/none/config', {})).toMatchObject({ status: 404 });
    const selector = await server.call('POST', api('/groups'), {
      body: { name: 'bad', selector: 'type=' },
    });
    expect(selector).toMatchObject({ status: 400, body: { errors: [{ path: 'selector' }] } });
  });

  test('a label that would bring an invalid layer is refused with it', async () => {
    await server.call('POST', api('/groups'), { body: { name: 'odd', selector: 'tag=odd' } });
    // Also where nobody is in it yet, such a layer is not stored.
    const layer = { processing: { batch_size: 5_000 } };
    expect(await put('/groups/odd/config', layer)).toMatchObject({
      status: 400,
      body: { errors: [{ path: 'processing.batch_size' }] },
    });
    // As an older release stored it.
    await put('/groups/odd/config', {});
    await sql`UPDATE config_layers SET document = ${JSON.stringify(layer)}::jsonb, hash = 'odd'
      WHERE scope = 'group' AND scope_id = 'odd'`.execute(server.database.pool);
    expect(await tag(['odd'], other)).toMatchObject({ status: 200 });
    const refused = await put(`/agents/${other}/config`, {});
    expect(refused).toMatchObject({
      status: 400,
      body: { errors: [{ path: 'processing.batch_size' }] },
    });
    expect(await tag(['odd', 'site=berlin'])).toMatchObject({
      status: 400,
      body: { code: 'OPMAS_INVALID_CONFIGURATION' },
    });
    await tag([], other);
    await server.call('DELETE', api('/groups/odd'));
  });

  test('the schema of the whole is there for editors', async () => {
    const { body } = await server.call('GET', api(`/agents/${agent.agent_id}/config/schema`));
    expect(body).toMatchObject({
      type: 'object',
      properties: { monitoring: { properties: { log_level: { enum: expect.any(Array) } } } },
    });
    const $schema = './opmas-config.schema.json';
    const answer = await put(`/agents/${other}/config`, { $schema, batch_size: 9 });
    expect(answer).toMatchObject({ status: 200 });
    expect(answer.body).not.toHaveProperty('config.$schema');
  });
});

describe('secrets of a fleet or group', () => {
  test('reach their agents, are masked for everybody else, and open nowhere else', async () => {
    const secret = { own: { b: 'fleet', password: { $secret: 'FLEET-CANARY' } } };
    const answer = await put('/config', secret);
    expect(answer).toMatchObject({
      status: 200,
      body: { config: { own: { password: { $secret: '********' } } } },
    });
    const { access_token: token } = await register(server, bus, agent);
    const asAgent = await server.call('GET', api(`/agents/${agent.agent_id}/config`), { token });
    expect(asAgent.body).toMatchObject({ config: { own: { password: 'FLEET-CANARY' } } });
    expect((await effective()).config).toMatchObject({
      own: { password: { $secret: '********' } },
    });
    for (const path of ['/config', '/config/history', '/config/diff', '/audit', '/groups']) {
      const { body } = await server.call('GET', api(path));
      expect(JSON.stringify(body), path).not.toContain('CANARY');
    }
    const told = await validate('/config', { own: { password: { $secret: 'OTHER-CANARY' } } });
    expect(told.valid).toBe(true);
    expect(JSON.stringify(told)).not.toContain('CANARY');
    const rows = await server.database.pool.selectFrom('config_secrets').selectAll().execute();
    expect(rows.map(({ owner }) => owner)).toEqual(['fleet:']);
    // Sent back masked it is kept.
    const again = await put('/config', { own: { b: 'again', password: { $secret: '********' } } });
    expect(again.status).toBe(200);
    const still = await server.call('GET', api(`/agents/${agent.agent_id}/config`), { token });
    expect(still.body).toMatchObject({ config: { own: { b: 'again', password: 'FLEET-CANARY' } } });
  });
});

test('a secret that cannot be read holds up nobody but its agent', async () => {
  const { pool } = server.database;
  await put(`/agents/${other}/config`, { own: { key: { $secret: 'LOST-CANARY' } } });
  const row = await pool
    .selectFrom('config_secrets')
    .selectAll()
    .where('owner', '=', other)
    .executeTakeFirstOrThrow();
  const seal = (sealed: string) =>
    pool.updateTable('config_secrets').set({ sealed }).where('owner', '=', other).execute();
  await seal(`${row.sealed.slice(0, -4)}AAAA`);
  expect((await server.call('GET', api(`/agents/${other}/config`))).status).toBe(500);
  expect((await tag(['site=lyon'], other)).status).toBe(200);
  expect(await put('/config', { own: { b: 'fleet' } })).toMatchObject({
    status: 200,
    body: { reached: 2, changed: 1 },
  });
  await seal(row.sealed);
  expect((await put(`/agents/${other}/config`, {})).status).toBe(200);
  expect(await hashOf(other)).toBe((await effective(other)).hash);
});

describe('the runtime layer', () => {
  const path = () => `/agents/${agent.agent_id}/config/runtime`;

  test('takes only what a running agent can take over', async () => {
    expect(await put(path(), { processing: { batch_size: 3 } })).toMatchObject({
      status: 400,
      body: { code: 'OPMAS_INVALID_CONFIGURATION' },
    });
    expect(await put(path(), { log_level: 'LOUD' })).toMatchObject({ status: 400 });
    const off = await put(`${path()}?reason=noise`, { rules_enabled: { r1: false } });
    expect(off).toMatchObject({ status: 200, body: { expires_at: null, changed: 1 } });
    expect((await effective()).config['rules']).toEqual([]);
  });

  test('ends by itself when its time is over', async () => {
    const timed = await put(`${path()}?expires_in=60`, { log_level: 'ERROR' });
    expect(timed).toMatchObject({ status: 200, body: { expires_at: expect.any(String) } });
    expect((await effective()).config).toMatchObject({ monitoring: { log_level: 'ERROR' } });
    clock.move(61_000);
    await waitFor(async () => {
      const { body } = await server.call('GET', api(path()));
      return (body as { author: string }).author === 'system' ? body : undefined;
    }, LONG);
    const { config, hash } = await effective();
    expect(config).toMatchObject({ monitoring: { log_level: 'INFO' } });
    expect(await hashOf(agent.agent_id)).toBe(hash);
    const audit = await server.call('GET', api('/audit?action=configs.runtime.expired'));
    expect(itemsOf(audit.body)).toHaveLength(1);
  });

  test('can be made permanent, and ended', async () => {
    await put(path(), { log_level: 'WARNING', rules_enabled: { r1: true } });
    const { hash } = await effective();
    const kept = await server.call('POST', api(`${path()}/keep`));
    expect(kept).toMatchObject({ status: 200, body: { scope: 'agent' } });
    const after = await effective();
    expect(after.hash).toBe(hash);
    expect(after.origins).toMatchObject({ 'monitoring.log_level': 'agent' });
    expect(await server.call('POST', api(`${path()}/keep`))).toMatchObject({ status: 409 });
    await put(path(), { log_level: 'ERROR' });
    expect(await server.call('DELETE', api(path()))).toMatchObject({
      status: 200,
      body: { config: {} },
    });
    expect((await effective()).hash).toBe(hash);
  });
});

test('another environment at the next start is what agents are told', async () => {
  const row = () =>
    server.database.pool
      .updateTable('agents')
      .set({ config_hash: 'of another start' })
      .where('id', '=', other)
      .execute();
  await row();
  await server.restart();
  await waitFor(async () => (await hashOf(other)) !== 'of another start', LONG);
  expect(await hashOf(other)).toBe((await effective(other)).hash);
});

test('the specification’s table of configurations can be read', async () => {
  await put(`/agents/${other}/config`, { batch_size: 9 });
  const { rows } =
    await sql`SELECT key, value FROM agent_configs WHERE agent_id = ${other}`.execute(
      server.database.pool,
    );
  expect(rows).toEqual([{ key: 'processing', value: '{"batch_size": 9}' }]);
});
