/** X24 a database with secrets and a master key that opens none of them: the server says so and does not start. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { newMasterKey, openKeyring, writeMasterKeys } from '@opmas/keyring';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TestServer, testServer } from './testing/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await testServer();
});
afterAll(() => server.stop());

test('X24 a master key that is gone or was made anew is refused, and the one of before starts it again', async () => {
  const path = join(server.dataDir, 'keys', 'master.key');
  const kept = readFileSync(path, 'utf8');
  const [{ id }] = openKeyring(path, { make: false }).keys();
  writeMasterKeys(path, [newMasterKey()]);
  await expect(server.restart()).rejects.toMatchObject({
    code: 'OPMAS_SECRET_UNREADABLE',
    message: expect.stringContaining(`sealed under master key ${id}, which ${path} does not hold`),
  });
  rmSync(path);
  await expect(server.restart()).rejects.toMatchObject({ code: 'OPMAS_MASTER_KEY_UNUSABLE' });
  writeFileSync(path, kept, { mode: 0o600 });
  await server.restart();
  expect((await server.call('GET', '/api/v1/auth/me')).status).toBe(200);
});
