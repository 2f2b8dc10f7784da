/** Secrets through a whole server: what was planted comes out at its agent and nowhere else. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Bus } from '@opmas/bus';
import { type Agent, type ControlMessage, subjects } from '@opmas/protocol';
import { waitFor } from '@opmas/testkit';
import pino from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sql } from './kernel/sql.ts';
import { feedClient } from './testing/feed-client.ts';
import { LONG, register, registeredAgent, testBus } from './testing/fleet.ts';
import { type TestServer, testServer } from './testing/server.ts';

const CANARY = 'CANARY-5e1c77';
const FIRST = `${CANARY}-first`;
const SECOND = `${CANARY}-second`;
const ENVIRONMENT = `${CANARY}-environment`;
const MASK = { $secret: '********' };

let server: TestServer;
let bus: Bus;
let agent: Agent;
let agentToken: string;
let feed: Awaited<ReturnType<typeof feedClient>>;
const logged: string[] = [];
beforeAll(async () => {
  server = await testServer({
    env: { OPMAS_AGENT_VAULT: JSON.stringify({ $secret: ENVIRONMENT }) },
    logger: pino({ level: 'trace' }, { write: (line) => void logged.push(line) }),
  });
  bus = await testBus(server);
  agent = await registeredAgent(server, 'Keeper');
  agentToken = (await register(server, bus, agent)).access_token;
  feed = await feedClient(server.url, { token: server.ownerToken, topics: ['agents', 'findings'] });
});
afterAll(async () => {
  feed.close();
  await bus.close();
  await server.stop();
});

interface Answer {
  version: number;
  hash: string;
  config: Record<string, unknown>;
}
const path = (rest = '') => `/api/v1/agents/${agent.agent_id}/config${rest}`;
const get = async (rest = '', token = server.ownerToken) =>
  (await server.call('GET', path(rest), { token })).body as Answer;
const asAgent = async () => (await get('', agentToken)).config;
const put = (body: unknown) => server.call('PUT', path(), { body });
const planted = (text: string) => ({
  own: { password: { $secret: text }, servers: [{ host: 'a', key: { $secret: `${text}-a` } }] },
  nats: { tunnel: { $secret: `${text}-nats` } },
});

/** Every row of every table, as text. */
async function dump(): Promise<string> {
  const { rows: tables } = await sql<{ name: string }>`
    SELECT quote_ident(table_schema) || '.' || quote_ident(table_name) AS name
    FROM information_schema.tables
    WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ('pg_catalog', 'information_schema')`.execute(
    server.database.pool,
  );
  const texts: string[] = [];
  for (const { name } of tables) {
    const { rows } = await sql<{ row: string }>`
      SELECT t::text AS row FROM ${sql.raw(name)} AS t`.execute(server.database.pool);
    texts.push(`${name}: ${rows.map(({ row }) => row).join('\n')}`);
  }
  return texts.join('\n');
}

function filesWith(text: string): string[] {
  return readdirSync(server.dataDir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => readFileSync(file).includes(text));
}

describe('X19 secret configuration values', () => {
  test('reach their agent in plain text, by its own token and by the push', async () => {
    const heard: ControlMessage[] = [];
    const listening = bus.subscribe(subjects.control(agent.name), (message) => {
      heard.push(message.json() as ControlMessage);
    });
    await bus.flush();
    const answer = await put(planted(FIRST));
    expect(answer).toMatchObject({
      status: 200,
      body: { config: { own: { password: MASK, servers: [{ host: 'a', key: MASK }] } } },
    });
    const message = await waitFor(() => heard[0], LONG);
    await listening.stop();
    const plain = {
      own: { password: FIRST, servers: [{ host: 'a', key: `${FIRST}-a` }] },
      nats: { tunnel: `${FIRST}-nats` },
      vault: ENVIRONMENT,
    };
    expect(message.payload).toMatchObject({ config: plain, hash: (answer.body as Answer).hash });
    expect(await asAgent()).toMatchObject(plain);
  });

  test('are masked in every answer to everybody else', async () => {
    const masked = {
      own: { password: MASK, servers: [{ host: 'a', key: MASK }] },
      nats: { tunnel: MASK },
    };
    expect((await get()).config).toMatchObject({ ...masked, vault: MASK });
    expect((await get('?origins=true')).config).toMatchObject({ ...masked, vault: MASK });
    expect((await get('?layer=database')).config).toEqual(masked);
    const history = await server.call('GET', path('/history'));
    expect(history.body).toMatchObject({ items: [{ config: masked }] });
    const admin = await server.tokenFor({ kind: 'user', roles: ['admin'] });
    for (const rest of ['', '?origins=true', '?layer=database', '/history', '/rollback']) {
      for (const token of [server.ownerToken, admin]) {
        const { body } = await server.call('GET', path(rest), { token });
        expect(JSON.stringify(body)).not.toContain(CANARY);
      }
    }
    const others = ['/agents', `/agents/${agent.agent_id}`, '/audit', '/findings', '/openapi.json'];
    for (const other of others) {
      const { body } = await server.call('GET', `/api/v1${other}`);
      expect(JSON.stringify(body), other).not.toContain(CANARY);
    }
  });

  test('sent back masked they are kept, and only what changed is a new version', async () => {
    const { config, hash } = await get('?layer=database');
    const again = await put(config);
    expect(again).toMatchObject({ status: 200, body: { hash } });
    expect(await asAgent()).toMatchObject({ own: { password: FIRST } });
    await put({ ...config, own: { ...Object(config['own']), password: { $secret: SECOND } } });
    expect(await asAgent()).toMatchObject({
      own: { password: SECOND, servers: [{ host: 'a', key: `${FIRST}-a` }] },
    });
    expect((await get()).hash).not.toBe(hash);
  });

  test('an old version comes back with the secret it had', async () => {
    const history = await server.call('GET', path('/history'));
    const versions = (history.body as { items: { version: number }[] }).items;
    const first = versions.at(-1)?.version;
    const rolled = await server.call('POST', path('/rollback'), { body: { version: first } });
    expect(rolled).toMatchObject({ status: 200, body: { config: { own: { password: MASK } } } });
    expect(await asAgent()).toMatchObject({ own: { password: FIRST } });
    expect(await server.call('POST', path('/rollback'), { body: { version: 999 } })).toMatchObject({
      status: 404,
      body: { code: 'OPMAS_NOT_FOUND' },
    });
  });

  test('no error shows one', async () => {
    const before = (await get()).version;
    for (const body of [
      { ...planted(`${CANARY}-error`), processing: { batch_size: 0 } },
      { processing: { batch_size: { $secret: `${CANARY}-error` } } },
      { rules: [{ id: 'r', pattern: { $secret: `${CANARY}-error` } }] },
      { own: { $secret: `${CANARY}-error`, more: 1 } },
      { own: { moved: MASK } },
    ]) {
      const answer = await put(body);
      expect(answer).toMatchObject({ status: 400, body: { code: 'OPMAS_INVALID_CONFIGURATION' } });
      expect(JSON.stringify(answer.body)).not.toContain(CANARY);
    }
    expect((await get()).version).toBe(before);
  });

  test('the audit says what changed, masked', async () => {
    const rows = await server.database.pool
      .selectFrom('audit_log')
      .selectAll()
      .where('action', '=', 'configs.put')
      .orderBy('id')
      .execute();
    expect(rows.length).toBeGreaterThan(0);
    expect(rows[0]?.after).toMatchObject({
      nats: { tunnel: { $secret: expect.stringMatching(/^[*]+$/) } },
    });
    expect(rows.map(({ details }) => details['newly_set']).slice(0, 3)).toEqual([
      ['/own/password', '/own/servers/0/key', '/nats/tunnel'],
      undefined,
      ['/own/password'],
    ]);
    expect(JSON.stringify(rows)).not.toContain(CANARY);
  });
});

describe('X24 stolen database', () => {
  test('neither it nor the data folder, the log, the feed, the metrics or a command line holds a planted secret', async () => {
    expect(await asAgent()).toMatchObject({ own: { password: FIRST } });
    const text = await dump();
    expect(text).toContain(agent.agent_id);
    expect(text).toContain('config_secrets');
    for (const form of [CANARY, Buffer.from(FIRST).toString('hex'), btoa(FIRST).slice(0, -4)]) {
      expect(text).not.toContain(form);
      expect(filesWith(form)).toEqual([]);
    }
    expect(logged.length).toBeGreaterThan(0);
    expect(logged.join('')).not.toContain(CANARY);
    expect(feed.heard.length).toBeGreaterThan(0);
    expect(JSON.stringify(feed.heard)).not.toContain(CANARY);
    const metrics = await fetch(`${server.url}/metrics`);
    expect(await metrics.text()).not.toContain(CANARY);
    expect(execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' })).not.toContain(CANARY);
  });

  test('two ciphertexts exchanged do not open, and the error says what to do', async () => {
    const swap = () =>
      sql`UPDATE config_secrets a SET sealed = b.sealed FROM config_secrets b
          WHERE a.owner = b.owner AND a.secret_id <> b.secret_id
            AND a.path IN ('/own/password', '/nats/tunnel') AND b.path IN ('/own/password', '/nats/tunnel')
            AND a.path <> b.path AND a.created_at = b.created_at`.execute(server.database.pool);
    await swap();
    const answer = await server.call('GET', path(), { token: agentToken });
    expect(answer).toMatchObject({ status: 500, body: { code: 'OPMAS_SECRET_UNREADABLE' } });
    expect(JSON.stringify(answer.body)).not.toContain(CANARY);
    await swap();
    expect(await asAgent()).toMatchObject({ own: { password: FIRST } });
  });

  test('an id moved to another place of the configuration does not open', async () => {
    const row = await server.database.pool
      .selectFrom('config_layers')
      .select(['document', 'hash', 'version'])
      .where('scope', '=', 'agent')
      .where('scope_id', '=', agent.agent_id)
      .orderBy('version', 'desc')
      .limit(1)
      .executeTakeFirstOrThrow();
    const write = (document: object, hash: string) =>
      server.database.pool
        .updateTable('config_layers')
        .set({ document: JSON.stringify(document), hash })
        .where('scope_id', '=', agent.agent_id)
        .where('version', '=', row.version)
        .execute();
    const own = row.document['own'] as { password: unknown };
    await write({ ...row.document, own: { ...own, message: own.password } }, 'moved');
    expect(await server.call('GET', path(), { token: agentToken })).toMatchObject({ status: 500 });
    await write(row.document, row.hash);
    expect(await asAgent()).toMatchObject({ own: { password: FIRST } });
  });

  test('the master key is rotated under calls, and every one of them succeeds', async () => {
    const before = (await server.call('GET', '/api/v1/secrets')).body as { key_id: string };
    const keyFile = join(server.dataDir, 'keys', 'master.key');
    const oldKey = readFileSync(keyFile, 'utf8').trim();
    const person = await server.tokenFor({ kind: 'user', roles: ['operator'] });
    const rotated = await server.call('POST', '/api/v1/secrets/rotate', { body: {} });
    expect(rotated).toMatchObject({ status: 202, body: { rotating: true } });
    const status = await waitFor(async () => {
      expect(await asAgent()).toMatchObject({ own: { password: FIRST } });
      expect((await server.call('GET', '/api/v1/agents', { token: person })).status).toBe(200);
      const { body } = await server.call('GET', '/api/v1/secrets');
      return (body as { rotating: boolean }).rotating ? undefined : body;
    }, LONG);
    expect(status).toMatchObject({ older: [], sealed: { older: 0, unreadable: 0 } });
    expect((status as { key_id: string }).key_id).not.toBe(before.key_id);
    expect(readFileSync(keyFile, 'utf8')).not.toContain(oldKey);
    await server.restart();
    expect(await asAgent()).toMatchObject({ own: { password: FIRST } });
    expect((await server.call('GET', '/api/v1/agents', { token: person })).status).toBe(200);
  });

  test('only who may rotate learns of keys, and nobody learns a key', async () => {
    const operator = await server.tokenFor({ kind: 'user', roles: ['operator'] });
    const asOperator = { token: operator };
    const rotate = { token: operator, body: {} };
    expect((await server.call('GET', '/api/v1/secrets', asOperator)).status).toBe(403);
    expect((await server.call('POST', '/api/v1/secrets/rotate', rotate)).status).toBe(403);
    const { body } = await server.call('GET', '/api/v1/secrets');
    const key = readFileSync(join(server.dataDir, 'keys', 'master.key'), 'utf8').split(/\s/)[0];
    expect(JSON.stringify(body)).not.toContain(key);
  });

  test('with new signing keys, tokens that are out are refused and new ones work', async () => {
    const person = await server.tokenFor({ kind: 'user', roles: ['operator'] });
    expect((await server.call('GET', '/api/v1/agents', { token: person })).status).toBe(200);
    const body = { signing_keys: true };
    expect((await server.call('POST', '/api/v1/secrets/rotate', { body })).status).toBe(202);
    await waitFor(
      async () => (await server.call('GET', '/api/v1/agents', { token: person })).status === 401,
      LONG,
    );
  });
});
