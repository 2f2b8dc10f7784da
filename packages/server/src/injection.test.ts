/** X5: what callers write never becomes SQL, in any parameter of any operation. */
import type { TObject, TSchema } from 'typebox';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sql } from './kernel/sql.ts';
import type { Operation } from './operation.ts';
import { operationTable } from './operations.ts';
import { addAgent } from './testing/agents.ts';
import { type TestServer, testServer } from './testing/server.ts';

const PAYLOADS = [
  `' OR '1'='1`,
  `'; DROP TABLE agents; --`,
  `" OR ""="`,
  `1) UNION SELECT username, password_hash FROM users --`,
  `\\'; SELECT pg_sleep(5); --`,
  `%' AND (SELECT 1 FROM pg_sleep(5)) IS NOT NULL AND '%'='`,
  `$1`,
  `:name`,
  `{"$gt": ""}`,
  `a\u0000b`,
  `_%\\`,
];

const OPERATIONS = operationTable();
const FREE_TEXT = OPERATIONS.filter(
  ({ rest, permission }) => rest.method === 'GET' && permission !== 'open',
);

let server: TestServer;
let agentId: string;
beforeAll(async () => {
  server = await testServer();
  agentId = await addAgent(server.database, 'wifi', ['edge']);
});
afterAll(() => server.stop());

/** The text parameters of the operation's query. */
function textsOf(operation: Operation): string[] {
  const { properties = {} } = (operation.query ?? {}) as Partial<TObject>;
  return Object.entries(properties as Record<string, TSchema & { type?: string }>)
    .filter(([, schema]) => schema.type === 'string')
    .map(([name]) => name);
}

const CASES = FREE_TEXT.flatMap((operation) => [
  ...textsOf(operation).map((name) => ({ operation, where: 'query', name })),
  ...[...operation.rest.path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => ({
    operation,
    where: 'path',
    name,
  })),
]);

function address({ operation, where, name }: (typeof CASES)[number], payload: string): string {
  const text = encodeURIComponent(payload);
  const path = operation.rest.path.replaceAll(/\{(\w+)\}/g, (_, parameter: string) =>
    where === 'path' && parameter === name ? text : parameter === 'agent_id' ? agentId : 'x',
  );
  return `/api/v1${path}${where === 'query' ? `?${name}=${text}` : ''}`;
}

describe('X5 SQL injection', () => {
  test('there are parameters to try', () => expect(CASES.length).toBeGreaterThan(20));

  test.each(
    CASES.map((each) => [`${each.operation.id} ${each.where} ${each.name}`, each] as const),
  )('%s', async (_, each) => {
    for (const payload of PAYLOADS) {
      const began = performance.now();
      const { status, body } = await server.call('GET', address(each, payload));
      expect(status, payload).toBeLessThan(500);
      // No statement of ours takes seconds: one that slept was run.
      expect(performance.now() - began, payload).toBeLessThan(4_000);
      const { items } = (body ?? {}) as { items?: unknown[] };
      expect(items ?? [], payload).toEqual([]);
    }
  });

  test('nothing was dropped, and a wildcard in a search is an ordinary character', async () => {
    const { rows } = await sql<{ n: string }>`SELECT count(*) AS n FROM agents`.execute(
      server.database.pool,
    );
    expect(Number(rows[0]?.n)).toBe(1);
    const search = async (q: string) => {
      const { body } = await server.call('GET', `/api/v1/agents?q=${encodeURIComponent(q)}`);
      return (body as { items: unknown[] }).items.length;
    };
    expect(await search('wifi')).toBe(1);
    expect(await search('%')).toBe(0);
    expect(await search('w_fi_')).toBe(0);
  });
});
