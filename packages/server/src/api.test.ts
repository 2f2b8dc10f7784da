/** The API as a whole: its operations, how it refuses, what it says of itself. */
import { connect } from 'node:net';
import { check, faultsOf, HealthReport, Problem } from '@opmas/protocol';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openApi } from './doors/rest/openapi.ts';
import type { Operation } from './operation.ts';
import { operationTable } from './operations.ts';
import { registeredAgent } from './testing/fleet.ts';
import { type Answer, type TestServer, testServer } from './testing/server.ts';

const OPERATIONS = operationTable();
const NOBODY = 'test-00000000-0000-4000-8000-000000000000';

let server: TestServer;
beforeAll(async () => {
  server = await testServer({ env: { OPMAS_METRICS_TOKEN: 'metrics-token' } });
});
afterAll(() => server.stop());

const pathOf = ({ rest }: Operation, agentId = NOBODY) =>
  `/api/v1${rest.path
    .replace('{agent_id}', agentId)
    .replace('{action_id}', '00000000-0000-4000-8000-000000000000')
    .replace(/\{\w+\}/, 'nothing')}`;

function problemOf(answer: Answer): Problem {
  expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
  expect(faultsOf(Problem, answer.body)).toEqual([]);
  const problem = answer.body as Problem;
  expect(problem.status).toBe(answer.status);
  expect(problem.request_id).toBe(answer.headers.get('x-request-id'));
  return problem;
}

describe('operations', () => {
  test('ids and routes are single', () => {
    for (const key of [
      OPERATIONS.map(({ id }) => id),
      OPERATIONS.map(({ rest }) => `${rest.method} ${rest.path}`),
    ]) {
      expect(new Set(key).size).toBe(key.length);
    }
  });

  test('every refusal is in the audit log, a flood of equal ones as one row with a count', async () => {
    const token = await server.tokenFor({
      kind: 'user',
      id: 'flooder',
      name: 'flooder',
      roles: [],
    });
    for (let n = 0; n < 25; n += 1) await server.call('GET', '/api/v1/findings', { token });
    const rows = async () => {
      const { body } = await server.call('GET', '/api/v1/audit?actor=flooder&action=findings.list');
      return (body as { items: { outcome: string; details: Record<string, unknown> }[] }).items;
    };
    await server.restart();
    const written = await rows();
    const counts = written.map(({ details }) => Number(details['repeated'] ?? 1));
    expect(counts.reduce((sum, n) => sum + n, 0)).toBe(25);
    expect(written.length).toBeLessThanOrEqual(4);
    expect(new Set(written.map(({ outcome }) => outcome))).toEqual(new Set(['refused']));
  });
});

describe('refusals are problems', () => {
  test.each<[string, string, string, number, string, Record<string, unknown>]>([
    ['no such path', 'GET', '/api/v1/nothing', 404, 'OPMAS_NOT_FOUND', {}],
    ['no such agent', 'GET', `/api/v1/agents/${NOBODY}`, 404, 'OPMAS_AGENT_NOT_FOUND', {}],
    ['no such finding', 'GET', '/api/v1/findings/none', 404, 'OPMAS_FINDING_NOT_FOUND', {}],
    [
      'no such package',
      'POST',
      '/api/v1/packages/none/approve',
      404,
      'OPMAS_PACKAGE_NOT_FOUND',
      {},
    ],
    ['an agent id that is none', 'GET', '/api/v1/agents/a%20b', 400, 'OPMAS_INVALID_REQUEST', {}],
    ['an id with NUL', 'GET', '/api/v1/findings/a%00b', 400, 'OPMAS_INVALID_FORMAT', {}],
    ['a search for NUL', 'GET', '/api/v1/agents?q=%00', 400, 'OPMAS_INVALID_FORMAT', {}],
    ['a limit of text', 'GET', '/api/v1/agents?limit=ten', 400, 'OPMAS_INVALID_REQUEST', {}],
    ['a limit too high', 'GET', '/api/v1/agents?limit=501', 400, 'OPMAS_INVALID_REQUEST', {}],
    ['a foreign cursor', 'GET', '/api/v1/agents?cursor=abc', 400, 'OPMAS_INVALID_REQUEST', {}],
    [
      'a cursor without a time',
      'GET',
      `/api/v1/findings?cursor=${Buffer.from('["x","y"]').toString('base64url')}`,
      400,
      'OPMAS_INVALID_FORMAT',
      {},
    ],
    [
      'a time that is none',
      'GET',
      '/api/v1/findings?from=yesterday',
      400,
      'OPMAS_INVALID_REQUEST',
      {},
    ],
    ['a repeated parameter', 'GET', '/api/v1/agents?q=a&q=b', 400, 'OPMAS_INVALID_REQUEST', {}],
    ['an unknown version', 'GET', '/api/v1/agents?api_version=2', 400, 'OPMAS_UNKNOWN_VERSION', {}],
    [
      'an unknown version by header',
      'GET',
      '/api/v1/agents',
      400,
      'OPMAS_UNKNOWN_VERSION',
      { headers: { 'api-version': '9' } },
    ],
    ['a broken body', 'POST', '/api/v1/auth/login', 400, 'OPMAS_INVALID_REQUEST', { raw: '{"a":' }],
    ['no body', 'POST', '/api/v1/auth/login', 400, 'OPMAS_INVALID_REQUEST', {}],
    [
      'a poisoned body',
      'POST',
      '/api/v1/auth/login',
      400,
      'OPMAS_INVALID_REQUEST',
      { raw: '{"__proto__":{"x":1}}' },
    ],
    [
      'a body without bottom',
      'POST',
      '/api/v1/auth/login',
      400,
      'OPMAS_INVALID_REQUEST',
      { raw: '['.repeat(50_000) },
    ],
    [
      'another media type',
      'POST',
      '/api/v1/auth/login',
      415,
      'OPMAS_UNSUPPORTED_MEDIA',
      { raw: 'a=b', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
    ],
    [
      'a body too large',
      'POST',
      '/api/v1/auth/login',
      413,
      'OPMAS_TOO_LARGE',
      { raw: `"${'x'.repeat(1024 * 1024)}"` },
    ],
    ['a broken escape', 'GET', '/api/v1/agents/%zz', 400, 'OPMAS_INVALID_REQUEST', {}],
  ])('%s', async (_, method, path, status, code, options) => {
    const answer = await server.call(method, path, options);
    expect(answer.status).toBe(status);
    expect(problemOf(answer).code).toBe(code);
  });

  test.each([
    ['PATCH', '/api/v1/agents', 'GET, HEAD, POST'],
    ['DELETE', '/api/v1/findings', 'GET, HEAD'],
    ['PUT', `/api/v1/agents/${NOBODY}/restart`, 'POST'],
    ['POST', '/health', 'GET, HEAD'],
    ['POST', '/api/v1/openapi.json', 'GET, HEAD'],
  ])('%s %s is 405 and says what is allowed', async (method, path, allow) => {
    const answer = await server.call(method, path);
    expect(answer.status).toBe(405);
    expect(problemOf(answer).code).toBe('OPMAS_METHOD_NOT_ALLOWED');
    expect(answer.headers.get('allow')).toBe(allow);
  });

  test('every fault of a body is named with its path', async () => {
    const answer = await server.call('POST', '/api/v1/agents', {
      token: null,
      body: { agent_name: 'a b', agent_version: '', extra: 1 },
    });
    const { errors } = problemOf(answer);
    const said = JSON.stringify(errors);
    for (const part of ['agent_name', 'agent_version', 'agent_type', 'discovery_token', 'extra']) {
      expect(said).toContain(part);
    }
  });

  test('a path too long and headers too large are refused, and the server lives on', async () => {
    const long = await server.call('GET', `/api/v1/agents/${'a'.repeat(5_000)}`);
    expect([400, 404]).toContain(long.status);
    problemOf(long);
    const said = await rawExchange(`GET / HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(40_000)}\r\n\r\n`);
    expect(said).toMatch(/^HTTP\/1\.1 413 .*application\/problem\+json.*OPMAS_TOO_LARGE/s);
    const nonsense = await rawExchange('\u0016\u0003\u0001 no http\r\n\r\n');
    expect(nonsense).toMatch(/^HTTP\/1\.1 400 .*OPMAS_INVALID_REQUEST/s);
    expect((await server.call('GET', '/health/live', { token: null })).status).toBe(200);
  });

  test('nothing internal is told: no stack, no SQL, no path', async () => {
    const answer = await server.call('GET', '/api/v1/findings/a%00b');
    expect(JSON.stringify(answer.body)).not.toMatch(/select|\.ts|node_modules|postgres/i);
  });
});

describe('what it says of itself', () => {
  test('every answer names the version and a request id, and is not cached', async () => {
    const { headers } = await server.call('GET', '/api/v1/agents?api_version=1');
    expect(headers.get('api-version')).toMatch(/^1\.\d+\.\d+$/);
    expect(headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    expect(headers.get('cache-control')).toBe('no-store');
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(headers.get('x-powered-by')).toBeNull();
  });

  test('the served OpenAPI document is the one of the operations, and holds together', async () => {
    const { body } = await server.call('GET', '/api/v1/openapi.json', { token: null });
    expect(body).toEqual(openApi(OPERATIONS));
    const document = body as OpenApi;
    expect(document.openapi).toBe('3.1.0');
    const ids = new Set<string>();
    for (const [path, item] of Object.entries(document.paths)) {
      expect(path).toMatch(/^\/api\/v1\//);
      for (const operation of Object.values(item)) {
        expect(ids.has(operation.operationId)).toBe(false);
        ids.add(operation.operationId);
        const inPath = operation.parameters.filter((parameter) => parameter.in === 'path');
        expect(inPath.map(({ name }) => `{${name}}`)).toEqual(path.match(/\{\w+\}/g) ?? []);
        expect(inPath.every(({ required }) => required)).toBe(true);
        expect(Object.keys(operation.responses)).toHaveLength(2);
        expect(operation.responses['default']).toBeDefined();
      }
    }
    expect(ids.size).toBe(OPERATIONS.length);
    const references = JSON.stringify(document).match(/"\$ref":"[^"]+"/g) ?? [];
    expect(new Set(references)).toEqual(new Set(['"$ref":"#/components/schemas/Problem"']));
    expect(Object.keys(document.components.schemas)).toEqual(['Problem']);
  });

  test('answers satisfy the schemas that they are declared with', async () => {
    const agent = await registeredAgent(server, 'Declared');
    await server.call('PUT', `/api/v1/agents/${agent.agent_id}/config`, { body: { timeout: 5 } });
    const looked: string[] = [];
    for (const operation of OPERATIONS) {
      if (operation.rest.method !== 'GET' || operation.output === undefined) continue;
      // What is there is looked at; a person's own things need a person.
      const { id, permission, kind, rest } = operation;
      const isThere = !/\{(?!agent_id)/.test(rest.path);
      if (!isThere || permission === 'person' || kind === 'stream') continue;
      const query = id === 'auth.can_i' ? '?permission=agents:read' : '';
      const answer = await server.call('GET', `${pathOf(operation, agent.agent_id)}${query}`);
      expect(answer.status, operation.id).toBe(200);
      expect(faultsOf(operation.output, answer.body), operation.id).toEqual([]);
      looked.push(operation.id);
    }
    expect(looked).toEqual(expect.arrayContaining(['agents.list', 'agents.get', 'configs.get']));
    expect(looked.length).toBeGreaterThanOrEqual(11);
  });

  test('health is ready with every component up, and says what survives what', async () => {
    for (const path of ['/health', '/health/ready']) {
      const { status, body } = await server.call('GET', path, { token: null });
      expect(status).toBe(200);
      expect(check(HealthReport, body)).toBe(true);
      expect(body).toMatchObject({
        status: 'ready',
        components: { database: { status: 'up' }, broker: { status: 'up' } },
      });
    }
  });

  test('metrics count calls and need no token on loopback', async () => {
    await server.call('GET', '/api/v1/findings', { token: null });
    const text = await (await fetch(`${server.url}/metrics`)).text();
    expect(text).toMatch(/opmas_call_seconds_count\{operation="agents\.list",outcome="ok"\} \d+/);
    expect(text.includes('operation="findings.list",outcome="OPMAS_UNAUTHENTICATED"')).toBe(true);
  });
});

interface OpenApi {
  openapi: string;
  paths: Record<
    string,
    Record<
      string,
      {
        operationId: string;
        parameters: { name: string; in: string; required: boolean }[];
        responses: Record<string, unknown>;
      }
    >
  >;
  components: { schemas: Record<string, unknown> };
}

/** Sends bytes as they are; resolves with everything the server said until it closed. */
function rawExchange(text: string): Promise<string> {
  const { hostname, port } = new URL(server.url);
  return new Promise((resolve, reject) => {
    let said = '';
    const socket = connect(Number(port), hostname, () => socket.write(text));
    socket.on('data', (chunk) => {
      said += chunk.toString('utf8');
    });
    socket.on('error', reject);
    socket.on('close', () => resolve(said));
  });
}
