import { expect, test } from 'vitest';
import { hashPassword, verifyPassword } from './password.ts';

const PASSWORD = 'correct horse battery staple';

test('is kept as an argon2id string with its own salt, and known again', async () => {
  const [one, two] = await Promise.all([hashPassword(PASSWORD), hashPassword(PASSWORD)]);
  expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
  expect(one).not.toBe(two);
  expect(await verifyPassword(PASSWORD, one)).toEqual({ right: true, outdated: false });
  expect(await verifyPassword(`${PASSWORD}!`, one)).toEqual({ right: false, outdated: false });
});

test('is the same however its characters are composed', async () => {
  const stored = await hashPassword('pa\u0308ssword with umlauts');
  expect((await verifyPassword('pässword with umlauts', stored)).right).toBe(true);
});

test('kept with other costs is known, and said to be outdated', async () => {
  const stored = await cheap(PASSWORD);
  expect(await verifyPassword(PASSWORD, stored)).toEqual({ right: true, outdated: true });
});

test.each([
  undefined,
  null,
  '',
  'x',
  '$argon2id$v=19$m=19456,t=2,p=1$AAAA',
  '$argon2i$v=19$m=8,t=1,p=1$AAAA$AAAA',
  `$argon2id$v=19$m=9999999,t=99,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`,
  `$argon2id$v=19$m=19456,t=2,p=1$${'A'.repeat(22)}$${'A'.repeat(43)}`,
])('never matches the stored %s', async (stored) =>
  expect((await verifyPassword(PASSWORD, stored)).right).toBe(false),
);

test('a crowd is told to come back, and those in turn are served', async () => {
  const outcomes = await Promise.allSettled(
    Array.from({ length: 60 }, () => verifyPassword(PASSWORD, undefined)),
  );
  const served = outcomes.filter(({ status }) => status === 'fulfilled');
  const refused = outcomes.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
  expect(served).toHaveLength(34);
  for (const error of refused) {
    expect(error).toMatchObject({ code: 'OPMAS_UNAVAILABLE', retryAfter: 1 });
  }
  expect((await verifyPassword(PASSWORD, undefined)).right).toBe(false);
});

async function cheap(password: string): Promise<string> {
  const { argon2Sync } = await import('node:crypto');
  const salt = Buffer.alloc(16, 7);
  const hash = argon2Sync('argon2id', {
    message: password,
    nonce: salt,
    parallelism: 1,
    tagLength: 32,
    memory: 8,
    passes: 1,
  });
  const b64 = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '');
  return `$argon2id$v=19$m=8,t=1,p=1$${b64(salt)}$${b64(hash)}`;
}
