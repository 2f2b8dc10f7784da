/** What the parts are given for TLS, and that it stays fresh while they run. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  CertificateStore,
  createAuthority,
  dataKeyring,
  readTlsFiles,
} from '@opmas/keyring/certificates';
import { type TempDir, tempDir, waitFor } from '@opmas/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readSettings } from '../up/settings.ts';
import { prepareTls } from './prepare.ts';
import type { PreparedTls } from './prepared.ts';

let dir: TempDir;
let ends: (() => void)[] = [];
beforeEach(() => {
  dir = tempDir('launcher-tls');
});
afterEach(() => {
  for (const end of ends) end();
  ends = [];
  dir.remove();
});

async function prepared(env: Record<string, string>, hosts = ['127.0.0.1']): Promise<PreparedTls> {
  const read = readSettings({ OPMAS_DATA_DIR: dir.path, ...env }, dir.path);
  if (!read.ok) throw new Error(JSON.stringify(read.errors));
  const { dataDir, masterKeyFile, tls } = read.value;
  return await prepareTls({ dataDir, masterKeyFile, tls, hosts });
}

const store = () =>
  new CertificateStore({ dataDir: dir.path, keyring: () => dataKeyring(dir.path) });

test('auto issues for this machine and its names, and hands the same files out at the next start', async () => {
  const first = await prepared({ OPMAS_TLS: 'auto' }, ['192.0.2.10', 'opmas.lan']);
  if (first.http === undefined) throw new Error('no HTTPS');
  const info = readTlsFiles(first.http);
  expect(info.ips).toEqual(expect.arrayContaining(['127.0.0.1', '::1', '192.0.2.10']));
  expect(info.dns).toEqual(expect.arrayContaining(['localhost', 'opmas.lan']));
  expect(first.broker?.certFile).toMatch(/nats[.]crt$/);
  expect(first.natsCa).toMatch(/ca[.]crt$/);
  const second = await prepared({ OPMAS_TLS: 'auto' }, ['192.0.2.10', 'opmas.lan']);
  expect(second).toMatchObject({ http: first.http });
  expect(readTlsFiles(first.http).fingerprint).toBe(info.fingerprint);
});

test('listening everywhere, the machine is certified by no wildcard address', async () => {
  const { http } = await prepared({ OPMAS_TLS: 'auto' }, ['0.0.0.0']);
  if (http === undefined) throw new Error('no HTTPS');
  const { ips } = readTlsFiles(http);
  expect(ips).not.toContain('0.0.0.0');
  expect(ips).toContain('127.0.0.1');
});

test('given files make no authority of our own', async () => {
  await store().init();
  await store().issue('mine', { hosts: ['opmas.lan'], usage: ['server'] });
  const { cert, key } = store().pathsOf('mine');
  const env = { OPMAS_TLS_CERT: cert, OPMAS_TLS_KEY: key };
  const made = await prepared({ ...env, OPMAS_SYSLOG_TLS_PORT: '0' });
  expect(made).toMatchObject({ http: { cert, key }, syslog: { cert, key, port: 0 } });
  expect(made).toMatchObject({ broker: undefined, natsCa: undefined, authorities: undefined });
  expect(existsSync(store().pathsOf('server').cert)).toBe(false);
});

test('files that cannot be used are told in one sentence, with what to do', async () => {
  const env = { OPMAS_TLS_CERT: '/no/such.crt', OPMAS_TLS_KEY: '/no/such.key' };
  await expect(prepared(env)).rejects.toMatchObject({
    code: 'tls_failed',
    message: expect.stringContaining('/no/such.crt'),
    fix: expect.any(String),
  });
  writeFileSync(join(dir.path, 'none.pem'), 'nothing');
  await expect(prepared({ OPMAS_CA_FILE: 'none.pem' })).rejects.toMatchObject({
    code: 'tls_failed',
    message: expect.stringContaining('none.pem'),
  });
});

test('a lost master key is not replaced by a new one', async () => {
  await prepared({ OPMAS_TLS: 'auto' });
  const master = join(dir.path, 'keys', 'master.key');
  const key = readFileSync(master);
  rmSync(master);
  await expect(prepared({ OPMAS_TLS: 'auto' })).rejects.toMatchObject({
    code: 'data_dir_unusable',
  });
  expect(existsSync(master)).toBe(false);
  writeFileSync(master, key, { mode: 0o600 });
  await prepared({ OPMAS_TLS: 'auto' });
});

test('what is trusted is gathered in one file, and again when it changes', async () => {
  const other = join(dir.path, 'corporate.pem');
  writeFileSync(other, (await createAuthority(Date.now())).certificate);
  const made = await prepared({ OPMAS_TLS: 'auto', OPMAS_CA_FILE: other });
  const { authorities = '' } = made;
  const count = () => readFileSync(authorities, 'utf8').split('BEGIN CERTIFICATE').length - 1;
  expect(count()).toBe(2);
  const faults: string[] = [];
  let brokerChanges = 0;
  ends.push(
    made.keep({
      onBrokerChanged: () => {
        brokerChanges += 1;
      },
      onFault: (text) => faults.push(text),
      checkMs: 20,
    }),
  );
  await store().rotate({ ca: 'overlap' });
  await waitFor(() => count() === 3, { timeoutMs: 20_000 });
  await store().rotate();
  await waitFor(() => brokerChanges === 1, { timeoutMs: 20_000 });
  writeFileSync(other, 'nonsense');
  await waitFor(() => faults.length > 0, { timeoutMs: 20_000 });
  expect(count()).toBe(3);
  expect(faults).toEqual([expect.stringContaining('corporate.pem')]);
});
