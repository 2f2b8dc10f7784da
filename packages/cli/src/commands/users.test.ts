/** `opmas users`, `sessions` and `login` against a real server. */
import { type TestServer, testServer } from '@opmas/server/testing';
import { tempDir } from '@opmas/testkit';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { EXIT } from '../exit-codes.ts';
import { type Outcome, runLine } from '../testing/bench.ts';

const PASSWORD = 'correct horse battery staple';
const NEXT = 'another horse and its staple';
const place = tempDir('users');
let server: TestServer;

beforeAll(async () => {
  server = await testServer();
});
afterAll(async () => {
  await server.stop();
  place.remove();
});

interface Given {
  stdin?: string;
  /** `owner` of the data folder, `nobody`, or who has signed in from this home. */
  as?: string;
}

/** Each person has a home of their own, where their login is kept. */
function opmas(args: string[], { stdin = '', as = 'owner' }: Given = {}): Promise<Outcome> {
  const env = {
    HOME: `${place.path}/${as}`,
    OPMAS_URL: server.url,
    OPMAS_DATA_DIR: `${place.path}/none`,
    ...(as === 'owner' ? { OPMAS_TOKEN: server.ownerToken } : {}),
  };
  return runLine(args, { cwd: place.path, env, stdin });
}
const signIn = (as: string, stdin: string, username = as) =>
  opmas(['login', '-u', username, '--password-stdin'], { stdin, as });

it('makes, lists, changes and deletes users', async () => {
  const made = await opmas(['users', 'add', 'ada', '-r', 'read-only', '--json'], {
    stdin: `${PASSWORD}\n`,
  });
  expect(made, made.err).toMatchObject({ code: EXIT.ok });
  expect(made.json()).toMatchObject({ username: 'ada', roles: ['read-only'] });
  expect((await opmas(['users', 'ls', '--json'])).json()).toMatchObject([{ username: 'ada' }]);
  const changed = await opmas(['users', 'set', 'ADA', '-r', 'operator', '--disable', '--json']);
  expect(changed.json()).toMatchObject({ roles: ['operator'], disabled: true });
  expect((await opmas(['users', 'rm', 'ada'])).code).toBe(EXIT.usage);
  expect((await opmas(['users', 'rm', 'ada', '--yes'])).code).toBe(EXIT.ok);
  expect((await opmas(['users', 'rm', 'ada', '--yes'])).code).toBe(EXIT.notFound);
});

it('ends with the exit codes scripts rely on', async () => {
  const add = (stdin: string) => opmas(['users', 'add', 'bob', '-r', 'read-only'], { stdin });
  expect((await add('')).code).toBe(EXIT.usage);
  const weak = await add('passwordpassword\n');
  expect(weak).toMatchObject({ code: EXIT.failed, err: expect.stringMatching(/repeats/) });
  expect((await add(`${PASSWORD}\n`)).code).toBe(EXIT.ok);
  expect((await add(`${PASSWORD}\n`)).code).toBe(EXIT.conflict);
  expect((await opmas(['users', 'ls'], { as: 'nobody' })).code).toBe(EXIT.forbidden);
  expect((await opmas(['users', 'set', 'bob'])).code).toBe(EXIT.usage);
  expect((await opmas(['users', 'set', 'bob', '--enable', '--disable'])).code).toBe(EXIT.usage);
  expect((await opmas(['sessions', 'rm'])).code).toBe(EXIT.usage);
});

it('signs in by stdin, sees and ends sessions, and changes the own password', async () => {
  expect((await signIn('bob', 'wrong\n')).code).toBe(EXIT.forbidden);
  expect((await signIn('bob', `${PASSWORD}\n`)).code).toBe(EXIT.ok);
  expect((await signIn('phone', `${PASSWORD}\n`, 'bob')).code).toBe(EXIT.ok);
  const list = async () =>
    (await opmas(['sessions', 'ls', '--json'], { as: 'bob' })).json<{ current: boolean }[]>();
  expect(await list()).toHaveLength(2);
  expect((await list()).filter(({ current }) => current)).toHaveLength(1);
  const table = await opmas(['users', 'sessions', 'bob']);
  expect(table.out.split('\n')).toHaveLength(3);
  const stdin = `${PASSWORD}\n${NEXT}\n`;
  expect((await opmas(['users', 'passwd'], { as: 'bob', stdin })).code).toBe(EXIT.ok);
  expect(await list()).toHaveLength(1);
  expect((await opmas(['whoami'], { as: 'phone' })).code).toBe(EXIT.forbidden);
  expect((await signIn('phone', `${NEXT}\n`, 'bob')).code).toBe(EXIT.ok);
  expect((await opmas(['sessions', 'rm', '--others'], { as: 'phone' })).code).toBe(EXIT.ok);
  expect((await opmas(['whoami'], { as: 'bob' })).code).toBe(EXIT.forbidden);
});

it('asks for the second factor: the second line of stdin', async () => {
  await signIn('bob', `${NEXT}\n`);
  const api = (path: string, body: object) =>
    opmas(['api', 'POST', path, '-d', JSON.stringify(body)], { as: 'bob' });
  const { secret } = (await api('/auth/totp', { password: NEXT })).json<{ secret: string }>();
  const { TOTP, Secret } = await import('otpauth');
  const code = new TOTP({ secret: Secret.fromBase32(secret) }).generate();
  const confirmed = await api('/auth/totp/confirm', { code });
  const [recovery] = confirmed.json<{ recovery_codes: string[] }>().recovery_codes;
  const without = await signIn('phone', `${NEXT}\n`, 'bob');
  expect(without).toMatchObject({
    code: EXIT.forbidden,
    err: expect.stringMatching(/second factor/),
  });
  expect((await signIn('phone', `${NEXT}\n${recovery}\n`, 'bob')).code).toBe(EXIT.ok);
  const removed = await opmas(['users', 'set', 'bob', '--remove-second-factor']);
  expect(removed.code, removed.err).toBe(EXIT.ok);
  expect((await signIn('phone', `${NEXT}\n`, 'bob')).code).toBe(EXIT.ok);
});

it('sets the password of another, and ends their sessions', async () => {
  expect((await opmas(['users', 'passwd', 'bob'], { stdin: `${PASSWORD}\n` })).code).toBe(EXIT.ok);
  expect((await opmas(['whoami'], { as: 'phone' })).code).toBe(EXIT.forbidden);
  expect((await signIn('phone', `${PASSWORD}\n`, 'bob')).code).toBe(EXIT.ok);
  expect((await opmas(['users', 'sessions', 'bob', '--end'])).code).toBe(EXIT.ok);
  expect((await opmas(['whoami'], { as: 'phone' })).code).toBe(EXIT.forbidden);
});
