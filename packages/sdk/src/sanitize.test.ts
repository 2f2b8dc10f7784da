import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isSecretName, MASK, sanitizeData } from './sanitize.ts';

test('masks secrets by whole words of the field’s name, at any depth and in any case', () => {
  const clean = sanitizeData({
    password: 'a',
    Token: 'b',
    api_key: 'c',
    userPassword: 'd',
    'x-auth-token': 'e',
    SECRET: { nested: 'f' },
    monkey: 'kept',
    keyboard: 'kept',
    tokenizer: 'kept',
    list: [{ deep: { private_key: 'g' } }, 'text'],
    none: null,
  });
  expect(clean).toEqual({
    password: MASK,
    Token: MASK,
    api_key: MASK,
    userPassword: MASK,
    'x-auth-token': MASK,
    SECRET: MASK,
    monkey: 'kept',
    keyboard: 'kept',
    tokenizer: 'kept',
    list: [{ deep: { private_key: MASK } }, 'text'],
    none: null,
  });
});

test('leaves its input alone', () => {
  const data = { password: 'a', in: { token: 'b' } };
  sanitizeData(data);
  expect(data).toEqual({ password: 'a', in: { token: 'b' } });
});

test('never throws, always ends in JSON, and lets no secret through', () => {
  fc.assert(
    fc.property(fc.object({ maxDepth: 6 }), (data) => {
      const clean = sanitizeData({
        ...data,
        api_key: 'sesame-open',
        in: [{ token: 'sesame-open' }],
      });
      expect(JSON.stringify(clean)).not.toContain('sesame-open');
    }),
  );
});

test('circles, depth and breadth are bounded', () => {
  const loop: Record<string, unknown> = { name: 'loop' };
  loop['self'] = loop;
  expect(sanitizeData(loop)).toEqual({ name: 'loop', self: '[circular]' });
  let deep: Record<string, unknown> = { password: 'x' };
  for (let i = 0; i < 100; i += 1) deep = { deep };
  expect(JSON.stringify(sanitizeData(deep))).toContain('[too deep]');
  const wide = Object.fromEntries(Array.from({ length: 30_000 }, (_x, i) => [`f${i}`, i]));
  expect(sanitizeData(wide)['truncated']).toBe(true);
});

test('names are whole words', () => {
  expect(['key', 'ssh_key', 'sshKey', 'APIKey', 'wpa.passphrase'].every(isSecretName)).toBe(true);
  expect(['keyed', 'passwordless', 'secretary', 'whiskey'].some(isSecretName)).toBe(false);
});
