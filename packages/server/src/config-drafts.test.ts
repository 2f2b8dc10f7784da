/** Drafts of configurations through a whole server: prepared, looked at, rebased, published as one version. */
import { randomUUID } from 'node:crypto';
import { waitFor } from '@opmas/testkit';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { configLimits } from './features/configs/index.ts';
import { sql } from './kernel/sql.ts';
import { addAgent } from './testing/agents.ts';
import { LONG } from './testing/fleet.ts';
import { type MovingClock, movingClock } from './testing/moving-clock.ts';
import { type Answer, type TestServer, testServer } from './testing/server.ts';

let server: TestServer;
let clock: MovingClock;
const agents = { wifi: '', dns: '' };
/** May read and write configurations of Wi-Fi agents alone. */
let limited = '';

beforeAll(async () => {
  clock = movingClock();
  server = await testServer({ clock });
  agents.wifi = await addAgent(server.database, 'wifi');
  agents.dns = await addAgent(server.database, 'dns');
  const grants = ['configs:read', 'configs:write'].map((permission) => ({
    permission,
    agents: { types: ['wifi'] },
  }));
  const role = await server.call('POST', '/api/v1/roles', { body: { name: 'wifi-only', grants } });
  expect(role.status).toBe(201);
  limited = await server.tokenFor({ kind: 'user', name: 'Wilma', roles: ['wifi-only'] });
});
afterAll(() => server.stop());
beforeEach(async () => {
  await sql`DELETE FROM config_drafts`.execute(server.database.pool);
  await putFleet({});
});

interface Draft {
  draft_id: string;
  version: number;
  base_version: number;
  head_version: number;
  moved: boolean;
  config: Record<string, unknown>;
}
interface Detail extends Draft {
  valid: boolean;
  errors: { path: string; message: string }[];
  diff: { changes: object[] };
  counts: Record<string, number>;
  affected: { agent_id: string; restart: boolean }[];
  conflicts: { path: string }[];
}
type Options = Parameters<TestServer['call']>[2];
const call = (method: string, path: string, options?: Options) =>
  server.call(method, `/api/v1${path}`, options);
const codeOf = ({ body }: Answer) => (body as { code: string }).code;

async function draft(body: object, options: Options = {}): Promise<Draft> {
  const answer = await call('POST', '/drafts', { ...options, body });
  expect(answer.status, JSON.stringify(answer.body)).toBe(201);
  return answer.body as Draft;
}
const show = async (id: string) => (await call('GET', `/drafts/${id}`)).body as Detail;
const publish = (id: string, body: object = {}, options: Options = {}) =>
  call('POST', `/drafts/${id}/publish`, { ...options, body });
const rebase = (id: string, body: object = {}) => call('POST', `/drafts/${id}/rebase`, { body });
const fleet = async () =>
  (await call('GET', '/config')).body as { version: number; config: Record<string, unknown> };
const putFleet = (body: object) => call('PUT', '/config', { body });

describe('a draft', () => {
  test('is told to nobody until it is published, and then as one version with its reason', async () => {
    const before = await fleet();
    const made = await draft({
      scope: 'fleet',
      document: { processing: { timeout: 41 }, nats: { url: 'nats://elsewhere:4222' } },
      reason: 'new broker',
    });
    expect(made).toMatchObject({ version: 1, base_version: before.version, moved: false });
    expect((await fleet()).version).toBe(before.version);
    const shown = await show(made.draft_id);
    expect(shown).toMatchObject({
      valid: true,
      errors: [],
      conflicts: [],
      counts: { reached: 2, changed: 2, restart: 2 },
    });
    expect(shown.diff.changes).toContainEqual({ path: 'processing.timeout', after: 41 });
    const published = await publish(made.draft_id, { version: 1 });
    expect(published).toMatchObject({
      status: 200,
      body: { scope: 'fleet', version: before.version + 1, reason: 'new broker', changed: 2 },
    });
    expect((await fleet()).config).toEqual(made.config);
    expect((await call('GET', `/drafts/${made.draft_id}`)).status).toBe(404);
    const { items } = (await call('GET', '/audit?action=drafts.publish')).body as {
      items: { details: object }[];
    };
    expect(items[0]?.details).toMatchObject({
      draft_id: made.draft_id,
      scope: 'fleet',
      changed: 2,
    });
    await putFleet({});
  });

  test('need not be valid for its agents, says what is wrong, and is not published so', async () => {
    const { draft_id } = await draft({
      scope: 'agent',
      name: agents.wifi,
      document: { processing: { batch_size: 0 } },
    });
    const shown = await show(draft_id);
    expect(shown.valid).toBe(false);
    expect(shown.errors).toMatchObject([{ path: 'processing.batch_size' }]);
    expect(codeOf(await publish(draft_id))).toBe('OPMAS_INVALID_CONFIGURATION');
    const mended = await call('PUT', `/drafts/${draft_id}`, {
      body: { document: { processing: { batch_size: 5 } } },
    });
    expect(mended).toMatchObject({ status: 200, body: { version: 2 } });
    expect(await show(draft_id)).toMatchObject({ valid: true, counts: { reached: 1, changed: 1 } });
    expect((await publish(draft_id)).status).toBe(200);
    await call('PUT', `/agents/${agents.wifi}/config`, { body: {} });
  });

  test('of rules that do not compile is not published either', async () => {
    const rule = { id: 'r', name: 'r', pattern: '(', kind: 'regex', severity: 'info', action: 'x' };
    const { draft_id } = await draft({
      scope: 'agent',
      name: agents.wifi,
      document: { rules: [rule] },
    });
    expect((await show(draft_id)).errors[0]?.path).toContain('rules');
    expect(codeOf(await publish(draft_id))).toBe('OPMAS_INVALID_CONFIGURATION');
  });

  test('is changed only by who has seen its newest version', async () => {
    const { draft_id } = await draft({ scope: 'fleet', document: {} });
    const change = (version: number, document: object) =>
      call('PUT', `/drafts/${draft_id}`, {
        body: { document },
        headers: { 'If-Match': `"${version}"` },
      });
    const answers = await Promise.all([change(1, { a: 1 }), change(1, { a: 2 })]);
    expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 412]);
    expect(codeOf(await publish(draft_id, { version: 1 }))).toBe('OPMAS_VERSION_CONFLICT');
    const { headers } = await call('GET', `/drafts/${draft_id}`);
    expect(headers.get('etag')).toBe('"2"');
  });

  test('is discarded, and what is gone is not found', async () => {
    const { draft_id } = await draft({ scope: 'fleet', document: {} });
    expect((await call('DELETE', `/drafts/${draft_id}`)).status).toBe(204);
    for (const [id, late] of [
      [draft_id, 'OPMAS_CONFLICT'],
      [randomUUID(), 'OPMAS_NOT_FOUND'],
    ] as const) {
      expect(codeOf(await call('GET', `/drafts/${id}`))).toBe('OPMAS_NOT_FOUND');
      expect(codeOf(await publish(id))).toBe(late);
      expect(codeOf(await rebase(id))).toBe(late);
      expect(codeOf(await call('DELETE', `/drafts/${id}`))).toBe(late);
    }
  });

  test.each([
    [{ scope: 'fleet', name: 'x', document: {} }, 'OPMAS_INVALID_REQUEST'],
    [{ scope: 'group', document: {} }, 'OPMAS_INVALID_REQUEST'],
    [{ scope: 'environment', name: 'moon', document: {} }, 'OPMAS_INVALID_REQUEST'],
    [{ scope: 'agent', name: 'a b', document: {} }, 'OPMAS_INVALID_REQUEST'],
    [{ scope: 'runtime', name: 'a', document: {} }, 'OPMAS_INVALID_REQUEST'],
    [{ scope: 'fleet', document: [] }, 'OPMAS_INVALID_REQUEST'],
    [{ scope: 'fleet', document: {}, more: 1 }, 'OPMAS_INVALID_REQUEST'],
    [{ scope: 'group', name: 'nobody', document: {} }, 'OPMAS_NOT_FOUND'],
    [{ scope: 'agent', name: 'nobody', document: {} }, 'OPMAS_AGENT_NOT_FOUND'],
    [{ scope: 'fleet', document: {}, base_version: 999_999 }, 'OPMAS_NOT_FOUND'],
    [{ scope: 'fleet', document: { rules: { $secret: 'x' } } }, 'OPMAS_INVALID_CONFIGURATION'],
    [{ scope: 'fleet', document: { ['k'.repeat(300)]: 1 } }, 'OPMAS_INVALID_CONFIGURATION'],
  ])('%j is refused', async (body, code) => {
    expect(codeOf(await call('POST', '/drafts', { body }))).toBe(code);
  });

  test('goes with its group', async () => {
    const body = { name: 'berlin', selector: 'site=berlin' };
    expect((await call('POST', '/groups', { body })).status).toBe(201);
    const { draft_id } = await draft({ scope: 'group', name: 'berlin', document: { own: 1 } });
    expect(await show(draft_id)).toMatchObject({ valid: true, counts: { reached: 0 } });
    expect((await call('DELETE', '/groups/berlin')).status).toBe(204);
    expect((await call('GET', `/drafts/${draft_id}`)).status).toBe(404);
  });
});

describe('a layer that went on', () => {
  test('two drafts published at once: one holds, the other is told, and rebased it holds too', async () => {
    await putFleet({ own: { a: 1, b: 1 } });
    const one = await draft({ scope: 'fleet', document: { own: { a: 2, b: 1 } } });
    const two = await draft({ scope: 'fleet', document: { own: { a: 1, b: 2 } } });
    const { version } = await fleet();
    const answers = await Promise.all([publish(one.draft_id), publish(two.draft_id)]);
    const [won, lost] =
      answers[0].status === 200 ? [answers[0], answers[1]] : [answers[1], answers[0]];
    expect(won).toMatchObject({ status: 200, body: { version: version + 1 } });
    expect(lost).toMatchObject({ status: 412, body: { code: 'OPMAS_VERSION_CONFLICT' } });
    const left = lost === answers[0] ? one : two;
    expect(await show(left.draft_id)).toMatchObject({
      moved: true,
      base_version: version,
      head_version: version + 1,
      conflicts: [],
      config: left.config,
      diff: { changes: [{ before: 1, after: 2 }] },
    });
    expect(await rebase(left.draft_id)).toMatchObject({
      status: 200,
      body: { moved: false, config: { own: { a: 2, b: 2 } }, resolved: [] },
    });
    expect((await publish(left.draft_id)).status).toBe(200);
    expect((await fleet()).config).toEqual({ own: { a: 2, b: 2 } });
  });

  test('what both changed stops a rebase, key by key, until somebody says what holds', async () => {
    await putFleet({ own: { a: 1, b: 1 } });
    const { draft_id } = await draft({ scope: 'fleet', document: { own: { a: 'mine', b: 2 } } });
    await putFleet({ own: { a: 'theirs', b: 1, c: 1 } });
    expect((await show(draft_id)).conflicts).toEqual([
      { path: 'own.a', draft: 'mine', head: 'theirs' },
    ]);
    const refused = await rebase(draft_id);
    expect(refused).toMatchObject({
      status: 409,
      body: {
        code: 'OPMAS_CONFLICT',
        errors: [{ path: 'own.a', message: '"mine" in the draft, "theirs" in the layer' }],
      },
    });
    expect(await show(draft_id)).toMatchObject({ version: 1, moved: true });
    expect(await rebase(draft_id, { prefer: 'head' })).toMatchObject({
      status: 200,
      body: {
        version: 2,
        moved: false,
        config: { own: { a: 'theirs', b: 2, c: 1 } },
        resolved: [{ path: 'own.a' }],
      },
    });
  });

  test('a draft can begin from the version that its writer has seen', async () => {
    await putFleet({ own: { a: 1 } });
    const { version } = await fleet();
    await putFleet({ own: { a: 1, b: 1 } });
    const made = await draft({
      scope: 'fleet',
      base_version: version,
      document: { own: { a: 2 } },
    });
    expect(made).toMatchObject({ moved: true, base_version: version, head_version: version + 1 });
    expect((await rebase(made.draft_id)).body).toMatchObject({ config: { own: { a: 2, b: 1 } } });
  });
});

describe('secrets', () => {
  const secret = (text: string) => ({ $secret: text });
  const MASK = secret('********');
  const path = () => `/agents/${agents.wifi}/config`;
  const own = (password: object, more: object = {}) => ({ own: { password, ...more } });
  const told = async () => {
    const token = await server.tokenFor({ kind: 'agent', id: agents.wifi, name: 'wifi' });
    const { body } = await call('GET', path(), { token });
    return (body as { config: { own: Record<string, unknown> } }).config.own;
  };
  const sealed = async () => {
    const { rows } = await sql<{ n: number }>`
      SELECT count(*)::int AS n FROM config_secrets`.execute(server.database.pool);
    return rows[0]?.n ?? 0;
  };

  test('are sealed, masked in every answer, kept by their mask, and the agent’s when published', async () => {
    await call('PUT', path(), { body: own(secret('first')) });
    const scope = { scope: 'agent', name: agents.wifi };
    const made = await draft({ ...scope, document: own(secret('second'), { n: 1 }) });
    expect(made.config).toEqual(own(MASK, { n: 1 }));
    const row = await sql<{ text: string }>`
      SELECT d.document::text || s.sealed AS text FROM config_drafts d
      JOIN config_secrets s USING (draft_id)`.execute(server.database.pool);
    expect(row.rows).toHaveLength(1);
    expect(JSON.stringify(row.rows)).not.toContain('second');
    const everything = [
      await call('GET', '/drafts'),
      await call('GET', `/drafts/${made.draft_id}`),
      await call('PUT', `/drafts/${made.draft_id}`, { body: { document: own(MASK, { n: 2 }) } }),
      await call('GET', '/audit?limit=20'),
    ];
    for (const { status, body } of everything) {
      expect(status).toBe(200);
      expect(JSON.stringify(body)).not.toContain('second');
    }
    expect(await told()).toEqual({ password: 'first' });
    expect((await publish(made.draft_id)).status).toBe(200);
    expect(await told()).toEqual({ password: 'second', n: 2 });

    // A mask that nobody touched is the layer's own secret.
    const again = await draft({ ...scope, document: own(MASK, { n: 3 }) });
    expect((await show(again.draft_id)).diff.changes).toEqual([
      { path: 'own.n', before: 2, after: 3 },
    ]);
    expect((await publish(again.draft_id)).status).toBe(200);
    expect(await told()).toEqual({ password: 'second', n: 3 });
  });

  test('of a draft go with it, and with what it no longer says', async () => {
    const before = await sealed();
    const scope = { scope: 'agent', name: agents.wifi };
    const { draft_id } = await draft({ ...scope, document: own(secret('one')) });
    expect(await sealed()).toBe(before + 1);
    await call('PUT', `/drafts/${draft_id}`, { body: { document: own(secret('two')) } });
    expect(await sealed()).toBe(before + 1);
    await call('DELETE', `/drafts/${draft_id}`);
    expect(await sealed()).toBe(before);
  });

  test('a new master key does not make a draft unreadable', async () => {
    const { draft_id } = await draft({
      scope: 'agent',
      name: agents.wifi,
      document: own(secret('kept')),
    });
    const status = async () =>
      (await call('GET', '/secrets')).body as { rotating: boolean; key_id: string };
    const { key_id: former } = await status();
    const started = await call('POST', '/secrets/rotate', { body: {} });
    expect(started.status, JSON.stringify(started.body)).toBeLessThan(300);
    await waitFor(async () => {
      const now = await status();
      return !now.rotating && now.key_id !== former;
    }, LONG);
    expect((await publish(draft_id)).status).toBe(200);
    expect(await told()).toEqual({ password: 'kept' });
  });
});

describe('who reaches some agents', () => {
  const token = () => ({ token: limited });

  test('prepares and publishes their layers, and sees nobody else’s drafts', async () => {
    const mine = await draft({ scope: 'agent', name: agents.wifi, document: { own: 1 } }, token());
    const foreign = await draft({ scope: 'agent', name: agents.dns, document: { own: 1 } });
    const shared = await draft({ scope: 'fleet', document: { own: 1 } });
    const listed = (await call('GET', '/drafts', token())).body as { items: Draft[] };
    expect(listed.items.map(({ draft_id }) => draft_id)).toEqual([mine.draft_id]);
    for (const { draft_id } of [foreign, shared]) {
      const at = `/drafts/${draft_id}`;
      const body = { document: {} };
      for (const answer of [
        await call('GET', at, token()),
        await call('PUT', at, { ...token(), body }),
        await call('DELETE', at, token()),
        await call('POST', `${at}/rebase`, { ...token(), body: {} }),
        await publish(draft_id, {}, token()),
      ]) {
        expect(codeOf(answer)).toBe('OPMAS_NOT_FOUND');
      }
    }
    for (const [scope, name] of [
      ['agent', agents.dns],
      ['agent', 'nobody'],
      ['fleet', undefined],
      ['group', 'nobody'],
      ['environment', 'testing'],
    ]) {
      const answer = await call('POST', '/drafts', {
        ...token(),
        body: { scope, ...(name === undefined ? {} : { name }), document: {} },
      });
      expect(codeOf(answer)).toBe('OPMAS_FORBIDDEN');
    }
    expect((await publish(mine.draft_id, {}, token())).body).toMatchObject({ author: 'Wilma' });
  });

  test('who may only read cannot write, and reads drafts of others', async () => {
    const reader = await server.tokenFor({ kind: 'user', roles: ['read-only'] });
    const { draft_id } = await draft({ scope: 'fleet', document: { own: 5 } });
    const seen = await call('GET', `/drafts/${draft_id}`, { token: reader });
    expect(seen).toMatchObject({ status: 200, body: { config: { own: 5 } } });
    expect((await publish(draft_id, {}, { token: reader })).status).toBe(403);
  });
});

describe('bounds', () => {
  test('one that nobody changes for 30 days goes by itself, on record', async () => {
    const old = await draft({ scope: 'fleet', document: { own: 'old' } });
    clock.move(configLimits.draftMs - 60_000);
    const kept = await draft({ scope: 'fleet', document: {} });
    clock.move(60_001);
    await waitFor(async () => (await call('GET', `/drafts/${old.draft_id}`)).status === 404, LONG);
    expect((await call('GET', `/drafts/${kept.draft_id}`)).status).toBe(200);
    const { body } = await call('GET', '/audit?action=drafts.expired');
    expect((body as { items: object[] }).items).toMatchObject([
      { object: old.draft_id, before: { own: 'old' } },
    ]);
  });

  test('the list is paged and filtered', async () => {
    for (let n = 0; n < 5; n += 1) await draft({ scope: 'fleet', document: { n } });
    await draft({ scope: 'agent', name: agents.dns, document: {} });
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const more: string = cursor === null ? '' : `&cursor=${cursor}`;
      const { body } = await call('GET', `/drafts?scope=fleet&limit=2${more}`);
      const page = body as { items: Draft[]; next_cursor: string | null };
      seen.push(...page.items.map(({ draft_id }) => draft_id));
      cursor = page.next_cursor;
    } while (cursor !== null);
    expect(new Set(seen).size).toBe(5);
    const ofAgent = await call('GET', `/drafts?scope=agent&name=${agents.dns}`);
    expect((ofAgent.body as { items: Draft[] }).items).toHaveLength(1);
    const bad = Buffer.from('["x","y"]').toString('base64url');
    expect((await call('GET', `/drafts?cursor=${bad}`)).status).toBe(400);
  });

  test('of one layer there are only so many, also when they come at once', async () => {
    const { draftsOfScope } = configLimits;
    const answers = await Promise.all(
      Array.from({ length: draftsOfScope + 3 }, () =>
        call('POST', '/drafts', { body: { scope: 'fleet', document: {} } }),
      ),
    );
    const made = answers.filter(({ status }) => status === 201);
    expect(made).toHaveLength(draftsOfScope);
    const refused = answers.filter(({ status }) => status !== 201);
    expect(refused.map(codeOf)).toEqual(Array(3).fill('OPMAS_CONFLICT'));
    expect(
      (
        await call('POST', '/drafts', {
          body: { scope: 'agent', name: agents.wifi, document: {} },
        })
      ).status,
    ).toBe(201);
  });
});
