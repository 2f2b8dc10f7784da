/** Nothing secret and nothing endless reaches the audit log, whatever a caller sends. */
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { limits } from '../../kernel/limits.ts';
import { bounded, difference, isSecret, presentable } from './masking.ts';

const seed = `SU${'A'.repeat(56)}`;
const jwt = 'eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ4In0.c2lnbmF0dXJl';
const pem = '-----BEGIN PRIVATE KEY-----\nMC4CAQ\n-----END PRIVATE KEY-----';

describe('secrets in the audit log (ASVS 16.2.5)', () => {
  test.each([
    'password',
    'new_password',
    'currentPassword',
    'secret',
    'client_secret',
    'token',
    'refresh_token',
    'api_key',
    'apiKey',
    'seed',
    'credentials',
    'private_key',
    'totp',
    'recovery_codes',
    'authorization',
    'wifi_psk',
    'snmp_community',
    '$secret',
    'master-key',
  ])('the value of %s is masked, whatever it is', (key) => {
    for (const value of ['canary', 123_456, ['canary'], { deeper: 'canary' }]) {
      expect(JSON.stringify(presentable({ outer: [{ [key]: value }] }))).not.toMatch(
        /canary|123456/,
      );
    }
  });

  test.each([
    'token_id',
    'key_id',
    'public_key',
    'key_name',
    'totp_enabled',
    'keyboard',
    'tokenizer',
    'pinned',
  ])('the value of %s is kept', (key) => {
    expect(isSecret(key)).toBe(false);
    expect(presentable({ [key]: 'plain' })).toEqual({ [key]: 'plain' });
  });

  test('whether there is a secret may be seen', () => {
    const value = { password: true, secret: null, token: '' };
    expect(presentable(value)).toEqual(value);
  });

  test('what looks like a secret is masked in any text, also in names of keys', () => {
    const secrets = [jwt, seed, pem, 'Bearer abcdefgh12345678', `opmas_${'x'.repeat(43)}`];
    for (const secret of secrets) {
      const text = JSON.stringify(
        presentable({ message: `before ${secret} after`, list: [secret], [secret]: 1 }),
      );
      expect(text).not.toContain(secret.replaceAll('\n', '\\n'));
      expect(text).toContain('before *** after');
    }
    expect(presentable('nats://user:pa55@host:4222')).toBe('nats://user:***@host:4222');
  });
});

describe('sizes in the audit log', () => {
  test('whatever is sent, a row stays within its bounds and holds what the database can hold', () => {
    fc.assert(
      fc.property(
        fc.jsonValue({ maxDepth: 8 }),
        fc.string({ unit: 'binary', maxLength: 50 }),
        (value, key) => {
          const shown = bounded(presentable({ [key]: value, list: Array(300).fill(value) }), 4_096);
          const text = JSON.stringify(shown);
          expect(Buffer.byteLength(text)).toBeLessThanOrEqual(4_096);
          expect(text).not.toMatch(/\\u0000|\\ud[89a-f]/i);
          expect(text.isWellFormed()).toBe(true);
        },
      ),
      { numRuns: 300 },
    );
  });

  test('deep and long values are cut, and say so', () => {
    let deep: unknown = 'canary';
    for (let level = 0; level < 100; level += 1) deep = [deep];
    expect(JSON.stringify(presentable(deep))).not.toContain('canary');
    expect(String(presentable('x'.repeat(1e6)))).toHaveLength(limits.auditTextChars);
    expect(presentable(Array(250).fill(1))).toHaveLength(limits.auditItems + 1);
    expect(bounded('x'.repeat(100), 50)).toEqual({
      $cut: { bytes: 102, sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
  });

  test('of large documents the keys that differ are kept', () => {
    const rules = Array.from({ length: 2_000 }, () => randomBytes(16).toString('hex'));
    const before = { rules, processing: { batch_size: 10 }, gone: 1 };
    const after = { rules, processing: { batch_size: 20 }, new: 2 };
    expect(difference(before, after)).toEqual({
      before: { processing: { batch_size: 10 }, gone: 1 },
      after: { processing: { batch_size: 20 }, new: 2 },
    });
    const both = difference(before, { ...before, rules: [...rules, 'x'] });
    expect(both.before).toEqual({ rules: { $cut: expect.anything() } });
    expect(both.after).not.toEqual(both.before);
  });
});
