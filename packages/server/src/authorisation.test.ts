/** Who may call what: every operation against every kind of caller, generated from the table of operations. */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { OidcOptions } from './doors/rest/oidc.ts';
import { createHttp, type HttpOptions } from './doors/rest/server.ts';
import type { Permission } from './kernel/grants.ts';
import { PERMISSIONS } from './kernel/grants.ts';
import type { Operation } from './operation.ts';
import { operationTable } from './operations.ts';
import { addAgent } from './testing/agents.ts';
import { type TestServer, testServer } from './testing/server.ts';

interface Row {
  permission: Permission | 'open' | 'self' | 'person';
  scope?: 'agent' | 'reach';
  own?: 'agent_id' | 'reach';
}

/** What each operation asks for, written down a second time: a new operation needs a row here too. */
const EXPECTED: Readonly<Record<string, Row>> = {
  'actions.get': { permission: 'agents:read', scope: 'reach' },
  'agents.credentials': { permission: 'open' },
  'agents.delete': { permission: 'agents:delete', scope: 'agent' },
  'agents.get': { permission: 'agents:read', scope: 'agent', own: 'agent_id' },
  'agents.health': { permission: 'agents:read', scope: 'agent', own: 'agent_id' },
  'agents.list': { permission: 'agents:read', scope: 'reach' },
  'agents.logs': { permission: 'agents:read', scope: 'agent' },
  'agents.metrics': { permission: 'agents:read', scope: 'agent' },
  'agents.register': { permission: 'open' },
  'agents.restart': { permission: 'agents:control', scope: 'agent' },
  'agents.revoke_credentials': { permission: 'agents:control', scope: 'agent' },
  'agents.start': { permission: 'agents:control', scope: 'agent' },
  'agents.stop': { permission: 'agents:control', scope: 'agent' },
  'agents.update': { permission: 'agents:write', scope: 'agent' },
  'audit.erase': { permission: 'audit:erase' },
  'audit.export': { permission: 'audit:read' },
  'audit.list': { permission: 'audit:read' },
  'audit.verify': { permission: 'audit:read' },
  'auth.can_i': { permission: 'self' },
  'auth.login': { permission: 'open' },
  'auth.logout': { permission: 'open' },
  'auth.me': { permission: 'self' },
  'auth.password': { permission: 'person' },
  'auth.providers': { permission: 'open' },
  'auth.refresh': { permission: 'open' },
  'auth.sessions.end': { permission: 'person' },
  'auth.sessions.end_others': { permission: 'person' },
  'auth.sessions.list': { permission: 'person' },
  'auth.totp.confirm': { permission: 'person' },
  'auth.totp.propose': { permission: 'person' },
  'auth.totp.remove': { permission: 'person' },
  'configs.diff': { permission: 'configs:read', scope: 'agent' },
  'configs.environment.diff': { permission: 'configs:read' },
  'configs.environment.get': { permission: 'configs:read' },
  'configs.environment.history': { permission: 'configs:read' },
  'configs.environment.put': { permission: 'configs:write' },
  'configs.environment.rollback': { permission: 'configs:write' },
  'configs.environment.validate': { permission: 'configs:write' },
  'configs.fleet.diff': { permission: 'configs:read' },
  'configs.fleet.get': { permission: 'configs:read' },
  'configs.fleet.history': { permission: 'configs:read' },
  'configs.fleet.put': { permission: 'configs:write' },
  'configs.fleet.rollback': { permission: 'configs:write' },
  'configs.fleet.schema': { permission: 'configs:read', scope: 'reach' },
  'configs.fleet.validate': { permission: 'configs:write' },
  'configs.get': { permission: 'configs:read', scope: 'agent', own: 'agent_id' },
  'configs.group.diff': { permission: 'configs:read' },
  'configs.group.get': { permission: 'configs:read' },
  'configs.group.history': { permission: 'configs:read' },
  'configs.group.put': { permission: 'configs:write' },
  'configs.group.rollback': { permission: 'configs:write' },
  'configs.group.validate': { permission: 'configs:write' },
  'configs.history': { permission: 'configs:read', scope: 'agent' },
  'configs.put': { permission: 'configs:write', scope: 'agent' },
  'configs.rollback': { permission: 'configs:write', scope: 'agent' },
  'configs.runtime.delete': { permission: 'configs:write', scope: 'agent' },
  'configs.runtime.get': { permission: 'configs:read', scope: 'agent' },
  'configs.runtime.keep': { permission: 'configs:write', scope: 'agent' },
  'configs.runtime.put': { permission: 'configs:write', scope: 'agent' },
  'configs.runtime.validate': { permission: 'configs:write', scope: 'agent' },
  'configs.schema': { permission: 'configs:read', scope: 'agent', own: 'agent_id' },
  'configs.validate': { permission: 'configs:write', scope: 'agent' },
  'deliveries.get': { permission: 'configs:read', scope: 'agent' },
  'deliveries.list': { permission: 'configs:read', scope: 'reach' },
  'deliveries.retry': { permission: 'configs:write', scope: 'agent' },
  'drafts.create': { permission: 'configs:write', scope: 'reach' },
  'drafts.delete': { permission: 'configs:write', scope: 'reach' },
  'drafts.get': { permission: 'configs:read', scope: 'reach' },
  'drafts.list': { permission: 'configs:read', scope: 'reach' },
  'drafts.publish': { permission: 'configs:write', scope: 'reach' },
  'drafts.rebase': { permission: 'configs:write', scope: 'reach' },
  'drafts.update': { permission: 'configs:write', scope: 'reach' },
  'events.post': { permission: 'events:write' },
  'findings.get': { permission: 'findings:read', scope: 'reach', own: 'reach' },
  'findings.list': { permission: 'findings:read', scope: 'reach', own: 'reach' },
  'findings.prove': { permission: 'findings:read', scope: 'reach' },
  'groups.create': { permission: 'groups:write' },
  'groups.delete': { permission: 'groups:write' },
  'groups.get': { permission: 'groups:read' },
  'groups.list': { permission: 'groups:read' },
  'groups.update': { permission: 'groups:write' },
  'groups.validate': { permission: 'groups:write' },
  'jobs.agents': { permission: 'jobs:read', scope: 'reach' },
  'jobs.cancel': { permission: 'jobs:write', scope: 'reach' },
  'jobs.create': { permission: 'jobs:write', scope: 'reach' },
  'jobs.get': { permission: 'jobs:read', scope: 'reach' },
  'jobs.list': { permission: 'jobs:read', scope: 'reach' },
  'jobs.pause': { permission: 'jobs:write', scope: 'reach' },
  'jobs.resume': { permission: 'jobs:write', scope: 'reach' },
  'jobs.retry': { permission: 'jobs:write', scope: 'reach' },
  'packages.approve': { permission: 'packages:approve' },
  'packages.list': { permission: 'packages:read' },
  'packages.reject': { permission: 'packages:approve' },
  'packages.scan': { permission: 'packages:approve' },
  'permissions.list': { permission: 'roles:read' },
  'publishers.add': { permission: 'publishers:write' },
  'publishers.list': { permission: 'publishers:read' },
  'publishers.remove': { permission: 'publishers:write' },
  'roles.create': { permission: 'roles:write' },
  'roles.delete': { permission: 'roles:write' },
  'roles.get': { permission: 'roles:read' },
  'roles.list': { permission: 'roles:read' },
  'roles.update': { permission: 'roles:write' },
  'rules.list': { permission: 'configs:read', scope: 'reach' },
  'rules.test': { permission: 'configs:write' },
  'secrets.rotate': { permission: 'secrets:rotate' },
  'secrets.status': { permission: 'secrets:rotate' },
  'setup.get': { permission: 'open' },
  'setup.post': { permission: 'open' },
  'sources.list': { permission: 'agents:read', scope: 'reach' },
  'tokens.create': { permission: 'tokens:create' },
  'tokens.list': { permission: 'tokens:read' },
  'tokens.revoke': { permission: 'tokens:revoke' },
  'users.create': { permission: 'users:write' },
  'users.delete': { permission: 'users:write' },
  'users.get': { permission: 'users:read' },
  'users.list': { permission: 'users:read' },
  'users.sessions.end': { permission: 'users:write' },
  'users.sessions.list': { permission: 'users:read' },
  'users.totp.remove': { permission: 'users:write' },
  'users.update': { permission: 'users:write' },
};

/** Operations that anybody may call are what the contract lists, and nothing else. */
const OPEN: readonly string[] = [
  'agents.credentials',
  'agents.register',
  'auth.login',
  'auth.logout',
  'auth.providers',
  'auth.refresh',
  'setup.get',
  'setup.post',
];

const OPERATIONS = operationTable();
/** Grants of the built-in roles, written down a second time. */
const OPERATOR =
  /^(agents|configs|findings|groups|jobs|packages):|^(alerts|publishers):read$|^events:write$/;
const READER = /^(agents|alerts|configs|findings|groups|jobs|packages|publishers):read$/;

let server: TestServer;
const agents = { wifi: '', other: '' };
/** Tokens by kind of caller. */
const tokens: Record<string, string> = {};

beforeAll(async () => {
  server = await testServer();
  agents.wifi = await newAgent('wifi');
  agents.other = await newAgent('dns');
  const { tokenFor, call } = server;
  tokens['owner'] = server.ownerToken;
  for (const role of ['admin', 'operator', 'read-only', 'agent', 'nonsense']) {
    tokens[role] = await tokenFor({ kind: 'user', roles: [role] });
  }
  tokens['own agent'] = await tokenFor({ kind: 'agent', id: agents.wifi, name: 'wifi' });
  tokens['other agent'] = await tokenFor({ kind: 'agent', id: agents.other, name: 'dns' });
  for (const permission of Object.keys(PERMISSIONS)) {
    const name = `only-${permission.replace(':', '-')}`;
    const grants = [{ permission, agents: { types: ['wifi'] } }];
    const made = await call('POST', '/api/v1/roles', { body: { name, grants } });
    expect(made.status).toBe(201);
    tokens[name] = await tokenFor({ kind: 'user', roles: [name] });
  }
  const script = await call('POST', '/api/v1/tokens', {
    body: { kind: 'api', name: 'script', roles: ['read-only'] },
  });
  tokens['script'] = (script.body as { token: string }).token;
});
afterAll(() => server.stop());

const newAgent = (type: string) => addAgent(server.database, type);

/** Calls the operation on `agentId` with a body that no schema takes: only who may call learns so. */
async function attempt(operation: Operation, token: string | null, agentId: string) {
  const { method, path, rawBody } = operation.rest;
  const url = path
    .replace('{agent_id}', agentId)
    .replaceAll(/\{(\w+_id|action_id)\}/g, randomUUID())
    .replaceAll(/\{\w+\}/g, 'nothing-of-this-name');
  const body = operation.body === undefined ? undefined : { no_such_field: true };
  return server.call(method, `/api/v1${url}`, {
    token,
    ...(rawBody === undefined ? { body } : { raw: 'no events' }),
  });
}

type Outcome = 'unauthenticated' | 'forbidden' | 'allowed';

async function outcome(operation: Operation, token: string | null, agentId: string) {
  const { status, body } = await attempt(operation, token, agentId);
  const code = (body as { code?: string } | undefined)?.code;
  if (status === 401) return code === 'OPMAS_UNAUTHENTICATED' ? 'unauthenticated' : 'allowed';
  if (status === 403) return 'forbidden';
  expect(status, JSON.stringify(body)).toBeLessThan(500);
  return 'allowed';
}

const given = (allowed: boolean): Outcome => (allowed ? 'allowed' : 'forbidden');
const isPlain = (row: Row) => row.permission === 'open' || row.permission === 'self';

describe('X14 X17 every operation × every kind of caller', () => {
  test('each operation has a row in the matrix, and each row an operation', () => {
    expect(OPERATIONS.map(({ id }) => id).toSorted()).toEqual(Object.keys(EXPECTED).toSorted());
  });

  test('what each operation asks for is what the matrix says', () => {
    for (const { id, permission, scope, agentOwn } of OPERATIONS) {
      const row = EXPECTED[id];
      expect({ id, permission, scope, own: agentOwn }).toEqual({
        id,
        permission: row?.permission,
        scope: row?.scope,
        own: row?.own,
      });
    }
  });

  test('only what the contract names is open to everybody', () => {
    const open = OPERATIONS.filter(({ permission }) => permission === 'open').map(({ id }) => id);
    expect(open.toSorted()).toEqual(OPEN.toSorted());
  });

  test('every operation on an agent is limited to the agents a caller reaches', () => {
    for (const { id, rest, permission, scope } of OPERATIONS) {
      if (permission !== 'open' && rest.path.includes('{agent_id}'))
        expect([id, scope]).toEqual([id, 'agent']);
    }
  });

  describe.each(OPERATIONS.map((operation) => [operation.id, operation] as const))(
    '%s',
    (id, operation) => {
      const row = EXPECTED[id] ?? { permission: 'open' };
      const permission = String(row.permission);
      const limited = `only-${permission.replace(':', '-')}`;

      test('without a token, and with one that is none', async () => {
        const expected = row.permission === 'open' ? 'allowed' : 'unauthenticated';
        expect(await outcome(operation, null, agents.wifi)).toBe(expected);
        expect(await outcome(operation, 'not.a.token', agents.wifi)).toBe(expected);
      });

      test.each([
        ['owner', () => row.permission !== 'person'],
        ['admin', () => true],
        ['operator', () => isPlain(row) || permission === 'person' || OPERATOR.test(permission)],
        ['read-only', () => isPlain(row) || permission === 'person' || READER.test(permission)],
        ['script', () => isPlain(row) || READER.test(permission)],
        ['agent', () => isPlain(row) || permission === 'person'],
        ['nonsense', () => isPlain(row) || permission === 'person'],
        ['own agent', () => isPlain(row) || row.own !== undefined],
        ['other agent', () => isPlain(row) || row.own === 'reach'],
      ])('%s', async (caller, allowed) => {
        const target = id === 'agents.delete' ? await newAgent('wifi') : agents.wifi;
        const token = tokens[caller] ?? '';
        expect(await outcome(operation, token, target)).toBe(given(allowed()));
      });

      // What no grant names cannot be limited by one: such operations have no such cell.
      if (!permission.includes(':')) return;
      test('a grant limited to some agents', async () => {
        const token = tokens[limited] ?? '';
        const inside = await outcome(operation, token, await newAgent('wifi'));
        expect(inside).toBe(given(row.scope !== undefined));
        const outside = await outcome(operation, token, await newAgent('dns'));
        expect(outside).toBe(given(row.scope === 'reach'));
      });
    },
  );
});

/** Routes that are no operation, tell and change nothing of the fleet, and have tests of their own. */
const BESIDES: readonly string[] = [
  'GET /agents/ws',
  'GET /api/docs',
  'GET /api/v1/agents/ws',
  'GET /api/v1/auth/login/oidc/{provider}',
  'GET /api/v1/auth/login/oidc/{provider}/callback',
  'GET /api/v1/openapi.json',
  'GET /health',
  'GET /health/live',
  'GET /health/ready',
  'GET /metrics',
  'POST /api/v1/csp-reports',
];
/** Files and the page itself: the same for everybody. */
const PAGE =
  /^GET \/(api\/docs\/assets\/.*|login|setup|findings|packages|account|users|roles|tokens|audit|sources|(configs|groups|jobs|rules)(\/.*)?)?$/;

/** `GET /path` of a printed tree, in which each line continues its parent's. */
function routesIn(tree: string): string[] {
  const above: string[] = [];
  return tree
    .trimEnd()
    .split('\n')
    .flatMap((line) => {
      const [, indent = '', part = '', methods = ''] =
        /^([│├└─ ]*)(\S+) \(([A-Z, ]+)\)$/.exec(line) ?? [];
      if (part === '') throw new Error(`not a route: ${line}`);
      const depth = indent.length / 4;
      above[depth] = `${above[depth - 1] ?? ''}${part}`.replace('//', '/');
      const path = above[depth].replaceAll(/:(\w+)/g, '{$1}');
      return methods.split(', ').flatMap((each) => (each === 'HEAD' ? [] : [`${each} ${path}`]));
    });
}

describe('X17 every route of the server', () => {
  test('is an operation of the table, or one of the few beside it', async () => {
    const nothing: object = new Proxy(() => undefined, { get: () => nothing });
    const http = await createHttp({
      ...(nothing as HttpOptions),
      operations: OPERATIONS,
      oidc: nothing as OidcOptions,
      names: { host: '127.0.0.1', publicUrl: undefined },
      trustedProxies: [],
      https: undefined,
      pageDirectory: '/nonexistent',
    });
    const routes = routesIn(http.printRoutes({ commonPrefix: false }));
    await http.close();
    const operations = OPERATIONS.map(({ rest }) => `${rest.method} /api/v1${rest.path}`);
    expect(routes.filter((route) => !PAGE.test(route)).toSorted()).toEqual(
      [...operations, ...BESIDES].toSorted(),
    );
  });

  test('changes nothing by GET', () => {
    for (const { id, effect, rest } of OPERATIONS) {
      if (rest.method === 'GET') expect([id, effect]).not.toEqual([id, 'write']);
    }
  });
});

describe('X14 lists and single things keep to what a caller reaches', () => {
  test('agents, findings and actions beyond it are not there', async () => {
    const at = new Date();
    for (const agent of [agents.wifi, agents.other]) {
      await server.database.pool
        .insertInto('finding_keys')
        .values({ finding_id: `of-${agent}`, recorded_at: at })
        .execute();
      await server.database.pool
        .insertInto('findings')
        .values({
          finding_id: `of-${agent}`,
          agent_id: agent,
          agent_name: 'x',
          topic: 'findings.x',
          type: 'x',
          severity: 'info',
          timestamp: at,
          recorded_at: at,
          description: 'x',
          details: '{}',
        })
        .execute();
    }
    const ids = async (path: string, token: string | undefined, key: string) => {
      const { body } = await server.call('GET', path, { token: token ?? '' });
      return (body as { items: Record<string, string>[] }).items.map((item) => item[key]);
    };
    const readsFindings = tokens['only-findings-read'];
    expect(await ids('/api/v1/findings', readsFindings, 'finding_id')).toEqual([
      `of-${agents.wifi}`,
    ]);
    expect(await ids('/api/v1/findings', tokens['other agent'], 'finding_id')).toEqual([
      `of-${agents.other}`,
    ]);
    const listed = await ids('/api/v1/agents?limit=500', tokens['only-agents-read'], 'agent_id');
    expect(listed).toContain(agents.wifi);
    expect(listed).not.toContain(agents.other);
    const beyond = `/api/v1/findings/of-${agents.other}`;
    expect((await server.call('GET', beyond, { token: readsFindings ?? '' })).status).toBe(404);
    expect((await server.call('GET', beyond)).status).toBe(200);

    const action = await server.call('POST', `/api/v1/agents/${agents.other}/stop`);
    expect(action.status, JSON.stringify(action.body)).toBe(202);
    const path = `/api/v1/actions/${(action.body as { action_id: string }).action_id}`;
    const reader = { token: tokens['only-agents-read'] ?? '' };
    expect((await server.call('GET', path, reader)).status).toBe(404);
    expect((await server.call('GET', path)).status).toBe(200);
  });

  test('an agent that does not exist is out of reach like any other', async () => {
    const { status } = await server.call('GET', `/api/v1/agents/wifi-${randomUUID()}`, {
      token: tokens['only-agents-read'] ?? '',
    });
    expect(status).toBe(403);
  });

  test('can-i says what a call would', async () => {
    const ask = async (query: string) => {
      const { body } = await server.call('GET', `/api/v1/auth/can-i?${query}`, {
        token: tokens['only-agents-read'] ?? '',
      });
      return (body as { allowed: boolean }).allowed;
    };
    expect(await ask('permission=agents:read')).toBe(false);
    expect(await ask(`permission=agents:read&agent_id=${agents.wifi}`)).toBe(true);
    expect(await ask(`permission=agents:read&agent_id=${agents.other}`)).toBe(false);
    expect(await ask(`permission=agents:write&agent_id=${agents.wifi}`)).toBe(false);
  });
});
