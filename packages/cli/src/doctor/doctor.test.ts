/** What the doctor finds wrong with servers it does not run itself. */
import { createServer } from 'node:net';
import { readSettings, type Settings } from '@opmas/launcher';
import { type TestNats, type TestPostgres, testNats, testPostgres } from '@opmas/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkBroker } from './broker.ts';
import { checkDatabase } from './database.ts';
import { checkNode } from './machine.ts';

let postgres: TestPostgres;
let nats: TestNats;
beforeAll(async () => {
  [postgres, nats] = await Promise.all([testPostgres(), testNats({ operator: false })]);
});
afterAll(() => Promise.all([postgres.stop(), nats.stop()]));

function settings(env: Record<string, string>): Settings {
  const read = readSettings(env, '/tmp');
  if (!read.ok) throw new Error(JSON.stringify(read.errors));
  return read.value;
}

test('an old Node is a failure', () => {
  expect(checkNode('20.11.0')).toMatchObject({ status: 'fail' });
  expect(checkNode('24.0.0')).toMatchObject({ status: 'ok' });
});

test('a database is asked for its version and its rights, and its password is not shown', async () => {
  const database = await postgres.freshDatabase();
  const fine = await checkDatabase(settings({ OPMAS_DATABASE_URL: database.url }));
  expect(fine).toMatchObject({
    status: 'ok',
    detail: expect.stringMatching(/PostgreSQL \d+/) as string,
  });
  const mighty = await checkDatabase(settings({ OPMAS_DATABASE_URL: database.superUrl }));
  expect(mighty).toMatchObject({
    status: 'warn',
    detail: expect.stringContaining('superuser') as string,
  });
  const { password } = new URL(database.url);
  if (password !== '') expect(JSON.stringify([fine, mighty])).not.toContain(password);
  await database.drop();
});

test('a database that is not there is a failure with a fix', async () => {
  const check = await checkDatabase(
    settings({ OPMAS_DATABASE_URL: 'postgres://u:secret@127.0.0.1:1/x' }),
  );
  expect(check).toMatchObject({
    status: 'fail',
    fix: expect.stringContaining('OPMAS_DATABASE_URL') as string,
  });
  expect(JSON.stringify(check)).not.toContain('secret');
});

test('an external broker is asked who it is', async () => {
  const check = await checkBroker(settings({ OPMAS_NATS_URL: nats.url }));
  expect(check).toMatchObject({
    status: 'warn',
    detail: expect.stringContaining('one credential') as string,
  });
});

test('something else on the port is no broker', async () => {
  const other = createServer((socket) => void socket.end('HTTP/1.1 400\r\n')).listen(
    0,
    '127.0.0.1',
  );
  await new Promise((resolve) => other.once('listening', resolve));
  const address = other.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const check = await checkBroker(settings({ OPMAS_NATS_URL: `nats://127.0.0.1:${port}` }));
  other.close();
  expect(check).toMatchObject({
    status: 'fail',
    detail: expect.stringContaining('no nats-server') as string,
  });
});

test('a broker without JetStream is a failure', async () => {
  const plain = createServer((socket) => void socket.write('INFO {"version":"2.10.1"}\r\n')).listen(
    0,
    '127.0.0.1',
  );
  await new Promise((resolve) => plain.once('listening', resolve));
  const address = plain.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const check = await checkBroker(settings({ OPMAS_NATS_URL: `nats://127.0.0.1:${port}` }));
  plain.close();
  expect(check).toMatchObject({
    status: 'fail',
    detail: expect.stringContaining('JetStream') as string,
  });
});
