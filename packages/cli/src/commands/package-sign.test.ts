/** `opmas package keygen|sign|verify`, as an author and a reader of a package use them. */
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Bench, bench } from '../testing/bench.ts';

let cli: Bench;
let dir: string;
let trusted: { key_id: string; name: string; public_key: string }[];
beforeEach(async () => {
  trusted = [];
  cli = await bench(({ path }) =>
    path.endsWith('/publishers')
      ? {
          body: {
            items: trusted.map((one) => ({
              ...one,
              added_by: 'admin',
              created_at: '2026-05-27T12:00:00.000Z',
            })),
          },
        }
      : { status: 404, body: {} },
  );
  dir = join(cli.home, 'pkg');
  mkdirSync(dir);
  writeFileSync(join(dir, 'agent.ts'), 'export default {};\n');
});
afterEach(() => cli.stop());

const key = () => join(cli.home, 'acme.pem');
const run = (...args: string[]) => cli.run(args);
const online = (...args: string[]) =>
  cli.run(args, { env: { OPMAS_URL: cli.url, OPMAS_TOKEN: 'x' } });

describe('X22 package signatures on the command line', () => {
  beforeEach(async () => {
    expect(await run('package', 'keygen', '--out', key())).toMatchObject({ code: 0 });
  });

  test('a key is private, and never made over another', async () => {
    expect(statSync(key()).mode & 0o777).toBe(0o600);
    const before = readFileSync(key(), 'utf8');
    expect(await run('package', 'keygen', '--out', key())).toMatchObject({ code: 5 });
    expect(readFileSync(key(), 'utf8')).toBe(before);
  });

  test('what was signed is good; one byte more or another key is not', async () => {
    expect(await run('package', 'verify', dir, '--key', `${key()}.pub`)).toMatchObject({ code: 3 });
    expect(await run('package', 'sign', dir, '--key', key())).toMatchObject({ code: 0 });
    const good = await run('package', 'verify', dir, '--key', `${key()}.pub`, '--json');
    expect(good.code).toBe(0);
    expect(good.json()).toMatchObject({ valid: true });

    const other = join(cli.home, 'other.pem');
    await run('package', 'keygen', '--out', other);
    const wrong = await run('package', 'verify', dir, '--key', `${other}.pub`);
    expect(wrong.code).toBe(10);
    expect(wrong.err).toContain('not one of');

    writeFileSync(join(dir, 'agent.ts'), 'export default {}; \n');
    const changed = await run('package', 'verify', dir, '--key', `${key()}.pub`);
    expect(changed.code).toBe(10);
    expect(changed.err).toContain('not those that were signed');
  });

  test('without a key it is checked against the trusted publishers', async () => {
    const signed = await run('package', 'sign', dir, '--key', key(), '--json');
    const { key_id } = signed.json<{ key_id: string }>();
    const unknown = await online('package', 'verify', dir);
    expect(unknown.code).toBe(10);
    expect(unknown.err).toContain(`nobody is trusted with its key ${key_id}`);
    trusted = [{ key_id, name: 'Acme', public_key: readFileSync(`${key()}.pub`, 'utf8') }];
    const good = await online('package', 'verify', dir);
    expect(good).toMatchObject({ code: 0, out: expect.stringContaining('signed by Acme') });
  });

  test('a private key is not handed to the server as a public one', async () => {
    const refused = await run('package', 'verify', dir, '--key', key());
    expect(refused.code).toBe(3);
    await run('package', 'sign', dir, '--key', key());
    expect(await run('package', 'verify', dir, '--key', key())).toMatchObject({ code: 2 });
    rmSync(key());
    expect(await run('package', 'sign', dir, '--key', key())).toMatchObject({ code: 3 });
  });
});
