/** The folder of certificates: made once, renewed in time, overlapping when the authority changes. */
import { X509Certificate } from 'node:crypto';
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TempDir, tempDir } from '@opmas/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { fixedKeyring, newMasterKey } from '../master-key.ts';
import { splitPem } from './describe.ts';
import { CertificateStore } from './store.ts';
import { DAY, testStore } from './testing.ts';

let dir: TempDir;
let time = Date.UTC(2026, 0, 1);
beforeEach(() => {
  dir = tempDir('certificates');
  time = Date.UTC(2026, 0, 1);
});
afterEach(() => dir.remove());

const SERVER = { hosts: ['localhost', '127.0.0.1'], usage: ['server'] } as const;

function ready(): Promise<CertificateStore> {
  const store = testStore(dir.path, () => time);
  return store.init().then(() => store);
}

const leafOf = (store: CertificateStore, name: string) =>
  new X509Certificate(readFileSync(store.pathsOf(name).cert));

describe('the certificate folder', () => {
  it('makes the authority once, also when two ask at the same time', async () => {
    const store = testStore(dir.path, () => time);
    const made = await Promise.all([store.init(), store.init(), store.init()]);
    expect(made.filter(Boolean)).toHaveLength(1);
    expect(splitPem(readFileSync(store.bundlePath, 'utf8'))).toHaveLength(1);
  });

  it('12.3.3 keeps every private key from other users, and the authority’s sealed', async () => {
    const store = await ready();
    await store.issue('server', SERVER);
    for (const file of readdirSync(store.folder)) {
      const path = join(store.folder, file);
      if (/[.](key|sealed)$/.test(file)) expect(statSync(path).mode & 0o077, file).toBe(0);
      if (file !== 'server.key') expect(readFileSync(path, 'utf8')).not.toContain('PRIVATE KEY');
    }
    expect(readdirSync(store.folder).sort()).toEqual([
      'ca.crt',
      'ca.key.sealed',
      'server.crt',
      'server.key',
    ]);
  });

  it('does not sign without the master key the authority was made under', async () => {
    await ready();
    const keyring = fixedKeyring([newMasterKey()]);
    const other = new CertificateStore({ dataDir: dir.path, keyring: () => keyring });
    await expect(other.issue('server', SERVER)).rejects.toMatchObject({
      code: 'OPMAS_SECRET_UNREADABLE',
    });
  });

  it('issues only when there is need', async () => {
    const store = await ready();
    expect(await store.ensure('server', SERVER)).toBe(true);
    expect(await store.ensure('server', SERVER)).toBe(false);
    time += 59 * DAY;
    expect(await store.ensure('server', SERVER)).toBe(false);
    time += 2 * DAY; // a third of 90 days is left
    expect(await store.ensure('server', SERVER)).toBe(true);
    expect(leafOf(store, 'server').validToDate.getTime()).toBe(time + 90 * DAY);
    const more = { ...SERVER, hosts: [...SERVER.hosts, 'opmas.lan'] };
    expect(await store.ensure('server', more)).toBe(true);
    expect(await store.ensure('server', SERVER)).toBe(false);
  });

  const spoils: [string, (store: CertificateStore) => Promise<void>][] = [
    ['the key is gone', async (store) => rmSync(store.pathsOf('server').key)],
    [
      'the key is another one’s',
      async (store) => {
        await store.issue('other', SERVER);
        writeFileSync(store.pathsOf('server').key, readFileSync(store.pathsOf('other').key));
      },
    ],
    [
      'the file is damaged',
      async (store) => writeFileSync(store.pathsOf('server').cert, 'nonsense'),
    ],
  ];
  it.each(spoils)('issues anew when %s', async (_what, spoil) => {
    const store = await ready();
    await store.ensure('server', SERVER);
    await spoil(store);
    expect(await store.ensure('server', SERVER)).toBe(true);
  });

  it('renews all with new keys and the names, usage and life they had', async () => {
    const store = await ready();
    await store.issue('server', SERVER);
    await store.issue('router', { hosts: ['gw.lan'], usage: ['client'], days: 30 });
    const before = leafOf(store, 'router');
    time += DAY;
    expect(await store.rotate()).toEqual(['router', 'server']);
    const after = leafOf(store, 'router');
    expect(after.fingerprint256).not.toBe(before.fingerprint256);
    expect(after.publicKey.equals(before.publicKey)).toBe(false);
    expect(after.validToDate.getTime()).toBe(time + 30 * DAY);
    expect(store.list().find(({ name }) => name === 'router')).toMatchObject({
      dns: ['gw.lan'],
      usage: ['client'],
      state: 'valid',
    });
  });

  it('trusts two authorities while clients learn the new one, and signs with it from the next renewal on', async () => {
    const store = await ready();
    await store.issue('server', SERVER);
    const [old] = splitPem(readFileSync(store.bundlePath, 'utf8'));
    expect(await store.rotate({ ca: 'overlap' })).toEqual([]);
    const bundle = splitPem(readFileSync(store.bundlePath, 'utf8'));
    expect(bundle).toHaveLength(2);
    expect(bundle[1]).toBe(old);
    expect(await store.ensure('server', SERVER)).toBe(false);
    await store.rotate();
    expect(leafOf(store, 'server').checkIssued(new X509Certificate(bundle[0] ?? ''))).toBe(true);
  });

  it('distrusts the old authority at once when told to', async () => {
    const store = await ready();
    await store.issue('server', SERVER);
    const [old] = splitPem(readFileSync(store.bundlePath, 'utf8'));
    expect(await store.rotate({ ca: 'replace' })).toEqual(['server']);
    const bundle = splitPem(readFileSync(store.bundlePath, 'utf8'));
    expect(bundle).toHaveLength(1);
    expect(bundle[0]).not.toBe(old);
    expect(store.list().map(({ state }) => state)).toEqual(['valid', 'valid']);
  });

  it('says what is due, ended, or signed by nobody known', async () => {
    const store = await ready();
    await store.issue('short', { hosts: ['a.lan'], usage: ['server'], days: 3 });
    await store.issue('long', { hosts: ['b.lan'], usage: ['server'], days: 30 });
    time += 25 * DAY;
    const states = () => Object.fromEntries(store.list().map(({ name, state }) => [name, state]));
    expect(states()).toEqual({ ca: 'valid', short: 'expired', long: 'due' });
    rmSync(store.bundlePath);
    expect(states()).toEqual({ short: 'expired', long: 'untrusted' });
    await store.init(); // the sealed one counts
    expect(states()).toEqual({ ca: 'valid', short: 'expired', long: 'due' });
  });

  it.each(['../server', 'ca', 'a/b', '', '.hidden', 'a..b', 'x'.repeat(65)])(
    'X2 does not write a certificate named %j',
    async (name) => {
      const store = await ready();
      await expect(store.issue(name, SERVER)).rejects.toMatchObject({ code: 'bad_name' });
      expect(readdirSync(store.folder).sort()).toEqual(['ca.crt', 'ca.key.sealed']);
    },
  );
});
