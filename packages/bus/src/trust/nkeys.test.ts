/** nkeys: text form and signatures agree with the reference library, and hostile text is refused. */
import { createUser, fromPublic, fromSeed } from '@nats-io/nkeys';
import { describe, expect, it } from 'vitest';
import { createNkey, nkeyKind, publicKeyOf, signWithSeed, verifySignature } from './nkeys.ts';

const bytes = (text: string) => new TextEncoder().encode(text);

describe('nkeys', () => {
  it.each(['operator', 'account', 'user'] as const)(
    'makes %s keys the reference library reads',
    (kind) => {
      const key = createNkey(kind);
      const reference = fromSeed(bytes(key.seed));
      expect(reference.getPublicKey()).toBe(key.public_key);
      expect(key.public_key[0]).toBe({ operator: 'O', account: 'A', user: 'U' }[kind]);
      expect(nkeyKind(key.public_key)).toBe(kind);
      expect(nkeyKind(key.seed)).toBe(kind);
    },
  );

  it('signs as the reference library does, and each verifies the other', () => {
    const reference = createUser();
    const seed = new TextDecoder().decode(reference.getSeed());
    const text = bytes('nonce-123');
    const ours = signWithSeed(seed, text);
    expect(Buffer.from(ours)).toEqual(Buffer.from(reference.sign(text)));
    expect(fromPublic(publicKeyOf(seed)).verify(text, ours)).toBe(true);
    expect(verifySignature(reference.getPublicKey(), text, reference.sign(text))).toBe(true);
  });

  it('refuses a signature over other bytes, by another key, cut short, or with a broken key', () => {
    const key = createNkey('user');
    const text = bytes('a');
    const good = signWithSeed(key.seed, text);
    expect(verifySignature(key.public_key, text, good)).toBe(true);
    expect(verifySignature(key.public_key, bytes('b'), good)).toBe(false);
    expect(verifySignature(createNkey('user').public_key, text, good)).toBe(false);
    expect(verifySignature(key.public_key, text, good.subarray(1))).toBe(false);
    expect(verifySignature(`${key.public_key.slice(0, -1)}=`, text, good)).toBe(false);
    expect(verifySignature(key.seed, text, good)).toBe(false);
  });

  it.each([
    '',
    'SU',
    'x'.repeat(58),
    `SU${'A'.repeat(56)}`,
    'not a key',
    createNkey('user').public_key,
  ])('refuses %j as a seed', (seed) => {
    expect(() => publicKeyOf(seed)).toThrowError(
      expect.objectContaining({ code: 'OPMAS_INVALID_FORMAT' }),
    );
  });

  it('notices one changed letter anywhere in a seed', () => {
    const { seed } = createNkey('account');
    for (let at = 0; at < seed.length; at += 1) {
      const other = seed[at] === 'B' ? 'C' : 'B';
      expect(nkeyKind(seed.slice(0, at) + other + seed.slice(at + 1))).toBeUndefined();
    }
  });
});
