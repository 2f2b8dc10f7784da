import { waitFor } from '@opmas/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../kernel/clock.ts';
import { limits } from '../../kernel/limits.ts';
import { sql } from '../../kernel/sql.ts';
import type { Caller } from '../../operation.ts';
import { type TestServer, testServer } from '../../testing/server.ts';
import { createAccessService } from './access.service.ts';

let server: TestServer;
beforeAll(async () => {
  server = await testServer();
});
afterAll(() => server.stop());

const role = (name: string, ...permissions: string[]) => ({
  name,
  grants: permissions.map((permission) => ({ permission })),
});
/** Statements that wait for a lock on a role. */
async function waitingForRoles(): Promise<number> {
  const { rows } = await sql<{ n: number }>`SELECT count(*)::int AS n FROM pg_stat_activity
    WHERE wait_event_type = 'Lock' AND query LIKE '%roles%for update%'
      AND datname = current_database()`.execute(server.database.pool);
  return rows[0]?.n ?? 0;
}
const create = (body: object, token?: string) =>
  server.call('POST', '/api/v1/roles', { body, ...(token === undefined ? {} : { token }) });

describe('custom roles', () => {
  test('are made, shown, changed and deleted', async () => {
    expect((await create({ ...role('auditor', 'audit:read'), description: 'looks' })).status).toBe(
      201,
    );
    const shown = await server.call('GET', '/api/v1/roles/auditor');
    expect(shown.body).toEqual({
      name: 'auditor',
      description: 'looks',
      built_in: false,
      grants: [{ permission: 'audit:read' }],
    });
    const changed = await server.call('PUT', '/api/v1/roles/auditor', {
      body: { grants: [{ permission: '*:read', agents: { tags: ['edge'] } }] },
    });
    expect(changed.status).toBe(200);
    const list = await server.call('GET', '/api/v1/roles');
    expect(JSON.stringify(list.body)).toContain('"tags":["edge"]');
    expect((await server.call('DELETE', '/api/v1/roles/auditor')).status).toBe(204);
    expect((await server.call('GET', '/api/v1/roles/auditor')).status).toBe(404);
    expect((await server.call('DELETE', '/api/v1/roles/auditor')).status).toBe(404);
  });

  test('hold for their members at once when they change', async () => {
    await create(role('helper', 'agents:read'));
    const token = await server.tokenFor({ kind: 'user', roles: ['helper'] });
    const reads = async () => (await server.call('GET', '/api/v1/agents', { token })).status;
    expect(await reads()).toBe(200);
    await server.call('PUT', '/api/v1/roles/helper', { body: { grants: [] } });
    expect(await reads()).toBe(403);
  });

  test('made by another replica can be given away at once, within its own rights', async () => {
    const at = new Date();
    const made = { description: '', created_at: at, updated_at: at };
    const grants = JSON.stringify([{ permission: 'configs:write' }]);
    await server.database.pool
      .insertInto('roles')
      .values({ name: 'elsewhere', grants, ...made })
      .execute();
    const give = (username: string, token?: string) =>
      server.call('POST', '/api/v1/users', {
        body: { username, password: 'a long enough phrase', roles: ['elsewhere'] },
        ...(token === undefined ? {} : { token }),
      });
    await create(role('inviter', 'users:write'));
    const inviter = await server.tokenFor({ kind: 'user', roles: ['inviter'] });
    expect((await give('too-much', inviter)).status).toBe(403);
    expect((await give('welcome')).status).toBe(201);
  });

  test('is not deleted while somebody is given it', async () => {
    await create(role('going', 'agents:read'));
    const { rolesNow } = createAccessService({ database: server.database, clock: systemClock });
    const deletion = await server.database.transaction(async (tx) => {
      await rolesNow(tx, ['going']);
      const answer = server.call('DELETE', '/api/v1/roles/going');
      await waitFor(async () => (await waitingForRoles()) > 0, { timeoutMs: 5_000 });
      await tx
        .updateTable('users')
        .set({ roles: ['going'] })
        .where('username', '=', 'welcome')
        .execute();
      return { answer };
    });
    expect((await deletion.answer).status).toBe(409);
  });

  test('is not deleted while an API token has it that is still good', async () => {
    await create(role('scripted', 'agents:read'));
    const made = await server.call('POST', '/api/v1/tokens', {
      body: { kind: 'api', name: 'uses it', roles: ['scripted'] },
    });
    const refused = await server.call('DELETE', '/api/v1/roles/scripted');
    expect(refused.status).toBe(409);
    expect(JSON.stringify(refused.body)).toContain('uses it');
    const { token_id } = made.body as { token_id: string };
    expect((await server.call('DELETE', `/api/v1/tokens/${token_id}`)).status).toBe(204);
    expect((await server.call('DELETE', '/api/v1/roles/scripted')).status).toBe(204);
  });

  test('made by another replica are listed at once', async () => {
    const at = new Date();
    await server.database.pool
      .insertInto('roles')
      .values({ name: 'just-made', grants: '[]', description: '', created_at: at, updated_at: at })
      .execute();
    const { body } = await server.call('GET', '/api/v1/roles');
    expect(JSON.stringify(body)).toContain('just-made');
  });

  test('are no more than there may be, whichever replica makes them', async () => {
    const { pool } = server.database;
    const at = new Date();
    const made = { description: '', grants: '[]', created_at: at, updated_at: at };
    const names = Array.from({ length: limits.roles }, (_, n) => `many-${n}`);
    await pool
      .insertInto('roles')
      .values(names.map((name) => ({ name, ...made })))
      .execute();
    const elsewhere = createAccessService({ database: server.database, clock: systemClock });
    const caller: Caller = {
      kind: 'local',
      id: 'local',
      name: 'owner',
      roles: [],
      grants: [{ permission: '*' }],
    };
    const one = { name: 'one-more', description: '', grants: [] };
    await expect(elsewhere.create(pool, one, caller)).rejects.toMatchObject({ status: 409 });
    await pool.deleteFrom('roles').where('name', 'like', 'many-%').execute();
  });

  test('cannot take the name of another, or change a built-in one', async () => {
    await create(role('twice', 'agents:read'));
    expect((await create(role('twice', 'agents:read'))).status).toBe(409);
    expect((await create(role('admin', 'agents:read'))).status).toBe(409);
    const body = { grants: [] };
    expect((await server.call('PUT', '/api/v1/roles/admin', { body })).status).toBe(409);
    expect((await server.call('DELETE', '/api/v1/roles/operator')).status).toBe(409);
  });

  test('grant no more than their maker holds', async () => {
    await create(role('role-maker', 'roles:*', 'agents:read'));
    const token = await server.tokenFor({ kind: 'user', roles: ['role-maker'] });
    await waitFor(async () => (await create(role('mine', 'agents:read'), token)).status !== 403, {
      timeoutMs: 5_000,
    });
    for (const permission of ['*', '*:read', 'agents:*', 'users:write']) {
      expect((await create(role('more', permission), token)).status).toBe(403);
    }
    await create(role('greater', 'users:write'));
    const lessen = await server.call('PUT', '/api/v1/roles/greater', {
      token,
      body: { grants: [] },
    });
    expect(lessen.status).toBe(403);
  });

  test.each([
    ['a hostile name', role('__proto__', 'agents:read')],
    ['an upper-case name', role('Admin', 'agents:read')],
    ['a grant that is no permission', role('x', 'agents')],
    ['a grant with a wildcard inside', role('x', 'ag*:read')],
    ['an empty selector', { name: 'x', grants: [{ permission: 'agents:read', agents: {} }] }],
    ['an empty list', { name: 'x', grants: [{ permission: 'agents:read', agents: { ids: [] } }] }],
    ['an unknown limit', { name: 'x', grants: [{ permission: '*', agents: { hosts: ['a'] } }] }],
  ])('are refused with %s', async (_, body) => expect((await create(body)).status).toBe(400));

  test('what they were before and after is on record', async () => {
    await create(role('recorded', 'agents:read'));
    await server.call('PUT', '/api/v1/roles/recorded', {
      body: { grants: [{ permission: 'agents:write' }] },
    });
    const row = await server.database.pool
      .selectFrom('audit_log')
      .selectAll()
      .where('action', '=', 'roles.update')
      .where('object', '=', 'recorded')
      .executeTakeFirstOrThrow();
    const text = JSON.stringify(row);
    expect(text).toContain('agents:read');
    expect(text).toContain('agents:write');
  });

  test('the table of permissions can be read', async () => {
    const { body } = await server.call('GET', '/api/v1/permissions');
    expect(JSON.stringify(body)).toContain('"permission":"agents:read"');
  });
});
