/** What goes into an address stays the part it was meant to be (ASVS 1.2.2). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import * as api from './index.ts';

const HOSTILE = [
  'a/b',
  '../../auth/me',
  'a?limit=500',
  'a#b',
  'a%2Fb',
  'https://evil.example/',
  '//evil.example',
  'a\\b',
  'a\r\nx: y',
  'a&b=c',
  'ü €',
];

/** Every operation with one parameter in its path, as the client calls it. */
const OPERATIONS = Object.entries(
  (
    JSON.parse(
      readFileSync(join(import.meta.dirname, '../../../docs/reference/openapi.json'), 'utf8'),
    ) as { paths: Record<string, Record<string, { operationId?: string }>> }
  ).paths,
).flatMap(([path, methods]) => {
  const [, name] = /^[^{]*\{(\w+)\}[^{]*$/.exec(path) ?? [];
  if (name === undefined) return [];
  return Object.values(methods).flatMap(({ operationId }) =>
    operationId === undefined ? [] : [{ path, name, id: operationId }],
  );
});

type Call = (options: object) => Promise<unknown>;

async function asked(call: Call, options: object): Promise<URL> {
  let url: URL | undefined;
  const client = api.createClient({
    baseUrl: 'https://opmas.example',
    fetch: async (request) => {
      url = new URL((request as Request).url);
      return new Response('{}', { headers: { 'content-type': 'application/json' } });
    },
  });
  await call({ ...options, client });
  if (url === undefined) throw new Error('nothing was asked');
  return url;
}

test('there are operations to try', () => {
  expect(OPERATIONS.length).toBeGreaterThan(20);
});

test.each(OPERATIONS)('$id: a value is one segment of the path', async ({ path, name, id }) => {
  const call = (api as unknown as Record<string, Call>)[functionOf(id)];
  if (call === undefined) throw new Error(`the client has no ${functionOf(id)}`);
  for (const value of HOSTILE) {
    const url = await asked(call, { path: { [name]: value } });
    expect(url.origin).toBe('https://opmas.example');
    expect([url.search, url.hash]).toEqual(['', '']);
    const [before = '', after = ''] = path.split(`{${name}}`);
    const segment = url.pathname.slice(before.length, url.pathname.length - after.length);
    expect(url.pathname).toBe(`${before}${segment}${after}`);
    expect(decodeURIComponent(segment)).toBe(value);
    expect(segment).not.toContain('/');
  }
});

test('a value of a query is one value', async () => {
  for (const value of HOSTILE) {
    const url = await asked(api.findingsList as unknown as Call, { query: { q: value } });
    expect([...url.searchParams]).toEqual([['q', value]]);
    expect(url.pathname).toBe('/api/v1/findings');
  }
});

/** `users.sessions.end` → usersSessionsEnd */
function functionOf(id: string): string {
  return id.replaceAll(/[._](\w)/g, (_, letter: string) => letter.toUpperCase());
}
