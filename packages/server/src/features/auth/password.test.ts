import { expect, test } from 'vitest';
import { checkPassword, hashPassword, verifyPassword } from './password.ts';

const PASSWORD = 'correct horse battery staple';

test('is kept as an argon2id string with its own salt, and known again', async () => {
  const [one, two] = await Promise.all([hashPassword(PASSWORD), hashPassword(PASSWORD)]);
  expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
  expect(one).not.toBe(two);
  expect(await verifyPassword(PASSWORD, one)).toBe(true);
  expect(await verifyPassword(`${PASSWORD}!`, one)).toBe(false);
});

test('is the same however its characters are composed', async () => {
  expect(
    await verifyPassword(
      'pässword with umlauts',
      await hashPassword('pa\u0308ssword with umlauts'),
    ),
  ).toBe(true);
});

test.each([
  undefined,
  '',
  'x',
  '$argon2id$v=19$m=19456,t=2,p=1$AAAA',
  '$argon2i$v=19$m=8,t=1,p=1$AAAA$AAAA',
])('never matches the stored %s', async (stored) =>
  expect(await verifyPassword(PASSWORD, stored)).toBe(false),
);

test.each([
  ['fourteen chars', 'ada'],
  ['aaaaaaaaaaaaaaaaaaaa', 'ada'],
  ['this is lovelace here', 'Lovelace'],
  ['x'.repeat(257), 'ada'],
])('%s is refused for %s', (password, username) => {
  expect(() => checkPassword(password, username)).toThrow(
    expect.objectContaining({
      code: 'OPMAS_PASSWORD_REFUSED',
      errors: [expect.anything()],
    }) as Error,
  );
});

test('a sentence is fine', () => expect(() => checkPassword(PASSWORD, 'ada')).not.toThrow());
