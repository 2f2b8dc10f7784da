/** `opmas certs` on a data folder, and a command that talks to a server whose authority it must know. */
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { createAuthority, issueCertificate, namesOf } from '@opmas/keyring/certificates';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { type Bench, bench } from '../testing/bench.ts';

let cli: Bench;
beforeAll(async () => {
  cli = await bench(() => ({ status: 404 }));
});
afterAll(() => cli.stop());

interface Issued {
  cert: string;
  key: string;
  ca: string;
}

describe('opmas certs', () => {
  it('makes the authority once, signs, renews and lists, without any server', async () => {
    const data = ['--data-dir', join(cli.home, 'own')];
    const json = (...args: string[]) => cli.run([...args, '--json', ...data]);
    expect((await json('certs', 'init')).json()).toMatchObject({ made: true });
    expect((await json('certs', 'init')).json()).toMatchObject({ made: false });
    const made = await json('certs', 'issue', 'gw', '--dns', 'gw.lan', '--ip', '10.0.0.1');
    const { cert, key, ca } = made.json<Issued>();
    expect(statSync(key).mode & 0o077).toBe(0);
    const authority = new X509Certificate(readFileSync(ca));
    const before = new X509Certificate(readFileSync(cert));
    expect(before.verify(authority.publicKey)).toBe(true);
    expect((await json('certs', 'issue', 'router', '--client', '--days', '7')).code).toBe(0);
    expect((await json('certs', 'rotate')).json()).toMatchObject({ renewed: ['gw', 'router'] });
    expect(new X509Certificate(readFileSync(cert)).fingerprint256).not.toBe(before.fingerprint256);
    expect((await json('certs', 'ls')).json()).toMatchObject([
      { name: 'ca', authority: true, state: 'valid' },
      { name: 'gw', usage: ['server'], dns: ['gw.lan'], ips: ['10.0.0.1'] },
      { name: 'router', usage: ['client'] },
    ]);
    const rotated = (await json('certs', 'rotate', '--ca')).json();
    expect(rotated).toMatchObject({ renewed: [], new_authority: true });
    expect((await json('certs', 'ls')).json<unknown[]>()).toHaveLength(4);
  });

  it.each([
    [['certs', 'issue', 'server', '--dns', 'a.lan'], 2],
    [['certs', 'issue', '../x', '--dns', 'a.lan'], 2],
    [['certs', 'issue', 'x'], 2],
    [['certs', 'issue', 'x', '--dns', 'not a name'], 2],
    [['certs', 'issue', 'x', '--dns', 'a.lan', '--days', '9999'], 2],
    [['certs', 'rotate', '--distrust-old'], 2],
  ])('refuses %j', async (args, code) => {
    const data = ['--data-dir', join(cli.home, 'refused')];
    expect((await cli.run(['certs', 'init', ...data])).code).toBe(0);
    const outcome = await cli.run([...args, ...data]);
    expect(outcome.code).toBe(code);
    expect(outcome.err).toMatch(/→|must be/);
  });

  it('says what to do where there is no authority, and makes nothing by looking', async () => {
    const folder = join(cli.home, 'none');
    const listed = await cli.run(['certs', 'ls', '--data-dir', folder]);
    expect(listed.code).toBe(0);
    expect(existsSync(folder)).toBe(false);
    const outcome = await cli.run(['certs', 'rotate', '--data-dir', folder]);
    expect(outcome.code).toBe(3);
    expect(outcome.err).toContain('opmas certs init');
  });
});

describe('12.3.2 the certificate of the server', () => {
  it('is verified, with the authority that is named', async () => {
    const before = getCACertificates('default');
    onTestFinished(() => setDefaultCACertificates(before));
    const authority = await createAuthority(Date.now());
    const names = namesOf(['127.0.0.1']);
    const request = { name: 'x', names, usage: ['server'] } as const;
    const leaf = await issueCertificate(authority, request, Date.now());
    const server = createServer({ cert: leaf.certificate, key: leaf.key }, (_request, response) =>
      response.setHeader('content-type', 'application/json').end('{"answered":true}'),
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const url = `https://127.0.0.1:${address.port}`;
    const ask = ['api', 'GET', '/agents', '--url', url];
    const refused = await cli.run(ask);
    expect(refused.code).toBe(7);
    expect(refused.err).toMatch(/UNABLE_TO_VERIFY|certificate/i);
    expect(refused.err).toContain('--ca-file');
    const caFile = join(cli.home, 'ca.crt');
    expect((await cli.run([...ask, '--ca-file', caFile])).code).toBe(2);
    writeFileSync(caFile, authority.certificate);
    const answered = await cli.run([...ask, '--ca-file', caFile]);
    expect(answered.err).toBe('');
    expect(answered.json()).toEqual({ answered: true });
  });
});
