/** The page as it is served: fresh each time, with a policy of its own, and to its own paths. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TempDir, tempDir } from '@opmas/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type TestDoors, testDoors } from '../../testing/doors.ts';

let dir: TempDir;
let doors: TestDoors;
beforeAll(async () => {
  dir = tempDir('page');
  mkdirSync(join(dir.path, 'assets'));
  writeFileSync(join(dir.path, 'index.html'), '<meta name="csp-nonce" content="__CSP_NONCE__">');
  writeFileSync(join(dir.path, 'assets', 'index-1a2b3c.js'), 'void 0;');
  doors = await testDoors({ pageDirectory: dir.path });
});
afterAll(async () => {
  await doors.close();
  dir.remove();
});

const get = (path: string) => fetch(new URL(path, doors.url), { redirect: 'manual' });
const policyOf = (answer: Response) => answer.headers.get('content-security-policy') ?? '';

describe('X6 the page and its policy', () => {
  test('every answer has its own nonce, the same in the policy and in the page', async () => {
    const nonces = new Set<string>();
    for (const path of ['/', '/login', '/setup', '/findings', '/audit', '/']) {
      const answer = await get(path);
      const [, nonce = ''] = /'nonce-([A-Za-z0-9+/]{22}==)'/.exec(policyOf(answer)) ?? [];
      expect([path, answer.status, nonce]).toEqual([path, 200, expect.stringMatching(/./)]);
      expect(await answer.text()).toBe(`<meta name="csp-nonce" content="${nonce}">`);
      nonces.add(nonce);
    }
    expect(nonces.size).toBe(6);
  });

  test('the policy lets in what the page has, and nothing else', async () => {
    const directives = policyOf(await get('/')).split('; ');
    expect(directives).toEqual([
      "default-src 'none'",
      "script-src 'self'",
      expect.stringMatching(/^style-src 'self' 'nonce-[^ ']+'$/),
      "img-src 'self'",
      "font-src 'self'",
      "connect-src 'self'",
      "base-uri 'none'",
      "form-action 'self'",
      "frame-ancestors 'none'",
      "require-trusted-types-for 'script'",
      'trusted-types default',
      'report-uri /api/v1/csp-reports',
    ]);
  });

  test('the page is kept by nobody, what carries its hash in its name for ever', async () => {
    expect((await get('/')).headers.get('cache-control')).toBe('no-store');
    const asset = await get('/assets/index-1a2b3c.js');
    expect(asset.headers.get('cache-control')).toMatch(/max-age=31536000, immutable/);
    expect(asset.headers.get('content-type')).toMatch(/javascript/);
    expect(asset.headers.get('x-content-type-options')).toBe('nosniff');
  });

  test.each([
    '/index.html',
    '/assets/../index.html',
    '/assets/%2e%2e%2findex.html',
    '/assets/..%2f..%2f..%2fetc/passwd',
    '/.env',
  ])('%s leads to no file', async (path) => {
    const answer = await get(path);
    expect(answer.status).toBe(404);
    expect(answer.headers.get('cache-control') ?? 'no-store').toBe('no-store');
    expect(await answer.text()).not.toMatch(/__CSP_NONCE__|root:/);
  });
});
