/** The audit log through the API: what is on record, who may read it, and that it leaves the house verifiable. */
import { verifyExport } from '@opmas/keyring';
import type { AuditRecord, AuditVerification } from '@opmas/protocol';
import { waitFor } from '@opmas/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sql } from './kernel/sql.ts';
import { type TestServer, testServer } from './testing/server.ts';

const PASSWORD = 'correct horse battery staple 7';

let server: TestServer;
beforeAll(async () => {
  server = await testServer({ env: { OPMAS_ADMIN_PASSWORD: PASSWORD } });
}, 60_000);
afterAll(() => server.stop());

const audit = async (query: string): Promise<AuditRecord[]> => {
  const { status, body } = await server.call('GET', `/api/v1/audit?${query}`);
  expect(status).toBe(200);
  return (body as { items: AuditRecord[] }).items;
};
const login = (username: string, password: string) =>
  server.call('POST', '/api/v1/auth/login', {
    token: null,
    body: { username, password },
    headers: { 'user-agent': 'test-agent/1' },
  });
const chained = () =>
  waitFor(
    async () => {
      const { body } = await server.call('GET', '/api/v1/audit/verify');
      return (body as AuditVerification).waiting === 0 ? (body as AuditVerification) : undefined;
    },
    { what: 'the chain' },
  );
async function* each(lines: readonly string[]): AsyncGenerator<string> {
  yield* lines;
}

describe('what is on record (ASVS 16.3.1, 16.3.2, 16.3.3, 16.2.1)', () => {
  test('a sign-in, with name, address and program', async () => {
    expect((await login('admin', PASSWORD)).status).toBe(200);
    const [row] = await audit('action=auth.login&outcome=ok');
    expect(row).toMatchObject({
      object: 'admin',
      outcome: 'ok',
      remote: '127.0.0.1',
      user_agent: 'test-agent/1',
      request_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    expect(JSON.stringify(row)).not.toContain(PASSWORD);
  });

  test('a failed sign-in, with the name that was tried and no password', async () => {
    const answer = await login('admin', 'wrong-canary-password');
    expect(answer.status).toBe(401);
    const row = await waitFor(async () => (await audit('action=auth.login&outcome=refused'))[0]);
    expect(row).toMatchObject({ object: 'admin', details: { code: 'OPMAS_BAD_CREDENTIALS' } });
    expect(JSON.stringify(await audit('limit=500'))).not.toContain('canary');
  });

  test('a refusal: no token, and a token without the permission', async () => {
    await server.call('PUT', '/api/v1/roles/x', { token: null, body: {} });
    const row = await waitFor(async () => (await audit('action=roles.*&outcome=refused'))[0]);
    expect(row).toMatchObject({ actor_kind: 'anonymous', object: 'x' });
    const { body } = await server.call('POST', '/api/v1/tokens', {
      body: { kind: 'api', name: 'reader', roles: ['read-only'] },
    });
    const { token, token_id } = body as { token: string; token_id: string };
    const refused = await server.call('POST', '/api/v1/roles', {
      token,
      body: { name: 'all', description: '', grants: [{ permission: '*' }] },
    });
    expect(refused.status).toBe(403);
    expect(
      await waitFor(async () => (await audit(`actor=${token_id}&outcome=refused`))[0]),
    ).toMatchObject({ actor_kind: 'token', actor: 'reader', details: { code: 'OPMAS_FORBIDDEN' } });
  });

  test('a role and a token, with before and after, and never the token', async () => {
    const role = { name: 'watch', description: 'see', grants: [{ permission: 'agents:read' }] };
    await server.call('POST', '/api/v1/roles', { body: role });
    const { name: _name, ...content } = role;
    await server.call('PUT', '/api/v1/roles/watch', { body: { ...content, description: 'look' } });
    const [changed] = await audit('object=watch');
    expect(changed).toMatchObject({
      outcome: 'ok',
      before: { description: 'see' },
      after: { description: 'look' },
      actor_kind: 'local',
    });
    const { body } = await server.call('POST', '/api/v1/tokens', {
      body: { kind: 'enrollment', name: 'edge', max_uses: 2 },
    });
    const { token, token_id } = body as { token: string; token_id: string };
    const [made] = await audit(`object=${token_id}`);
    expect(made).toMatchObject({ outcome: 'ok', after: { name: 'edge' } });
    expect(JSON.stringify(await audit('limit=500'))).not.toContain(token);
  });

  test('a write that was allowed and failed', async () => {
    const missing = await server.call('DELETE', '/api/v1/roles/nobody-has-it');
    expect(missing.status).toBe(404);
    expect(
      await waitFor(async () => (await audit('object=nobody-has-it&outcome=failed'))[0]),
    ).toMatchObject({ actor_kind: 'local', outcome: 'failed' });
  });

  test('no audit, no action: what cannot be recorded is not done', async () => {
    const owner = server.database.pool;
    await sql`ALTER TABLE audit_log ADD CONSTRAINT closed CHECK (object <> 'unheard')`.execute(
      owner,
    );
    try {
      const body = { name: 'unheard', description: '', grants: [{ permission: 'agents:read' }] };
      const refused = await server.call('POST', '/api/v1/roles', { body });
      expect(refused.status).toBeGreaterThanOrEqual(500);
      expect((await server.call('GET', '/api/v1/roles/unheard')).status).toBe(404);
    } finally {
      await sql`ALTER TABLE audit_log DROP CONSTRAINT closed`.execute(owner);
    }
  });
});

describe('reading the audit log', () => {
  test('every row is chained within a second', async () => {
    const started = performance.now();
    await server.call('POST', '/api/v1/packages/scan');
    await login('admin', PASSWORD);
    const row = await waitFor(
      async () => (await audit('action=auth.login&limit=1')).find(({ seq }) => seq !== null),
      { pollMs: 20 },
    );
    expect(row?.seq).toBeGreaterThan(0);
    // Generous for a busy machine; the figure is in the benchmarks.
    expect(performance.now() - started).toBeLessThan(5_000);
  });

  test('filters, pages, and who may not', async () => {
    await login('admin', PASSWORD);
    const all = await audit('limit=500');
    const paged: AuditRecord[] = [];
    let cursor: string | null = '';
    while (cursor !== null) {
      const { body } = await server.call(
        'GET',
        `/api/v1/audit?limit=3${cursor === '' ? '' : `&cursor=${cursor}`}&to=${all[0]?.time ?? ''}`,
      );
      const page = body as { items: AuditRecord[]; next_cursor: string | null };
      paged.push(...page.items);
      cursor = page.next_cursor;
    }
    expect(paged.map(({ audit_id }) => audit_id)).toEqual(all.map(({ audit_id }) => audit_id));
    expect(await audit('q=test-agent')).not.toHaveLength(0);
    expect(await audit('q=%25')).toHaveLength(0);
    expect(await audit('actor=admin')).not.toHaveLength(0);
    const operator = await server.tokenFor({ kind: 'user', roles: [] });
    for (const path of ['/audit', '/audit/verify', '/audit/export']) {
      const refused = await server.call('GET', `/api/v1${path}`, { token: operator });
      expect([path, [401, 403].includes(refused.status)]).toEqual([path, true]);
    }
  });

  test('an export streams lines that verify without the server, and is itself on record', async () => {
    const { keys, fault } = await chained();
    expect(fault).toBeNull();
    const response = await fetch(`${server.url}/api/v1/audit/export`, {
      headers: { authorization: `Bearer ${server.ownerToken}` },
    });
    expect(response.headers.get('content-type')).toContain('application/x-ndjson');
    const lines = (await response.text()).split('\n');
    const verdict = await verifyExport(each(lines), {
      pinned: keys.map(({ public_key }) => public_key),
    });
    expect(verdict.fault).toBeUndefined();
    expect(verdict.rows).toBeGreaterThan(5);
    expect(await audit('action=audit.export&outcome=ok')).toHaveLength(1);
  });

  test('an erasure is on record without the name, and the chain still verifies', async () => {
    const { status, body } = await server.call('POST', '/api/v1/audit/erase', {
      body: { actor: 'admin' },
    });
    expect(status).toBe(200);
    const [row] = await audit('action=audit.erase');
    expect(row).toMatchObject({ details: body as object, outcome: 'ok' });
    expect(await audit('actor=admin')).toHaveLength(0);
    expect((await chained()).fault).toBeNull();
    expect(
      (await server.call('POST', '/api/v1/audit/erase', { body: { actor: 'admin' } })).status,
    ).toBe(404);
  });

  test('a restart goes on with the same chain', async () => {
    const before = (await chained()).total;
    await server.restart();
    await login('admin', PASSWORD);
    const after = await chained();
    expect(after.fault).toBeNull();
    expect(after.total).toBeGreaterThan(before);
    expect(after.checkpoints).toBeGreaterThan(0);
  });
});
