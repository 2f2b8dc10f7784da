/** What tests may rely on when they ask for a broker. */

import { readFileSync } from 'node:fs';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, credsAuthenticator } from '@nats-io/transport-node';
import { apiPrefix, createTrust, credsFile, issueUser, parseCreds } from '@opmas/bus';
import { afterEach, expect, test } from 'vitest';
import { type TestNats, testNats } from './nats.ts';

let nats: TestNats | undefined;
afterEach(async () => {
  await nats?.stop();
  nats = undefined;
});

const authenticate = (user: { jwt: string; seed: string }) =>
  credsAuthenticator(new TextEncoder().encode(credsFile(user)));

test('a user of its trust connects; nobody and a user of another trust do not', async () => {
  nats = await testNats();
  const user = nats.credsFor('u');
  expect(parseCreds(readFileSync(user.file, 'utf8'))).toEqual({ jwt: user.jwt, seed: user.seed });
  const connection = await connect({ servers: nats.url, authenticator: authenticate(user) });
  await connection.close();
  await expect(connect({ servers: nats.url, reconnect: false })).rejects.toThrow(/authorization/i);
  const stranger = issueUser(createTrust(), {
    name: 's',
    permissions: { pub: { allow: ['>'] }, sub: { allow: ['>'] } },
  });
  await expect(
    connect({ servers: nats.url, authenticator: authenticate(stranger), reconnect: false }),
  ).rejects.toThrow(/authorization/i);
});

test('what was acknowledged is there after kill -9 and restart on the same port', async () => {
  nats = await testNats();
  const options = { servers: nats.url, authenticator: authenticate(nats.credsFor('u')) };
  const before = await connect(options);
  const api = { apiPrefix: apiPrefix(nats.trust) };
  const manager = await jetstreamManager(before, api);
  await manager.streams.add({ name: 'S', subjects: ['s.>'] });
  const js = jetstream(before);
  for (let index = 0; index < 20; index += 1) await js.publish('s.a', String(index));
  await nats.kill9();
  await nats.restart();
  await before.close();
  const after = await connect(options);
  const info = await (await jetstreamManager(after, api)).streams.info('S');
  expect(info.state.messages).toBe(20);
  await after.close();
});

test('an open broker asks for no credentials', async () => {
  nats = await testNats({ operator: false });
  const connection = await connect({ servers: nats.url });
  await (await jetstreamManager(connection)).streams.add({ name: 'S', subjects: ['s'] });
  await connection.close();
});
