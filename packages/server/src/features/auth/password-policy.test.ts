import { expect, test } from 'vitest';
import { checkPassword } from './password-policy.ts';

const ALONE = { username: 'lovelace', secondFactor: false };
const BESIDE = { username: 'lovelace', secondFactor: true };

const refused = (reason: RegExp) =>
  expect.objectContaining({
    code: 'OPMAS_PASSWORD_REFUSED',
    message: expect.stringMatching(reason),
    errors: [{ path: 'password', message: expect.stringMatching(reason) }],
  }) as Error;

test.each([
  ['fourteen chars', /at least 15/],
  ['aaaaaaaaaaaaaaaaaaaa', /too few different/],
  ['this is lovelace here', /user name/],
  ['x7'.repeat(129), /at most 256/i],
  ['\ufdfa'.repeat(20), /at most 256/i],
  ['passwordpassword', /repeats/],
  ['qwertyuiopasdfghjkl', /everybody tries/],
  ['123456789012345', /everybody tries/],
  ['letmeinletmeinletmein', /repeats/],
  ['opmasopmasopmas1', /guess|repeats|name/],
  ['p@ssw0rdp@ssw0rd', /repeats/],
])('X16 %s is refused with the reason', async (password, reason) => {
  await expect(checkPassword(password, ALONE)).rejects.toThrow(refused(reason));
});

test.each([
  'correct horse battery staple',
  'a sentence is fine',
  'nur kleine buchstaben gehen',
  '  spaces count, everywhere  ',
  'κωδικός πρόσβασης εδώ',
])('X16 %s is taken: no rule on what it is made of', async (password) => {
  await expect(checkPassword(password, ALONE)).resolves.toEqual({ short: false });
});

test('X16 eight characters are enough beside a second factor, and known to be short', async () => {
  await expect(checkPassword('x7#kPq92', BESIDE)).resolves.toEqual({ short: true });
  await expect(checkPassword('x7#kPq9', BESIDE)).rejects.toThrow(refused(/at least 8/));
  await expect(checkPassword('monkey123', BESIDE)).rejects.toThrow(refused(/everybody tries/));
  await expect(checkPassword('x7#kPq92', ALONE)).rejects.toThrow(refused(/at least 15/));
});
