/** Sealed values: opened in their place only, tamper-proof, brought under a new key without being opened. */
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { open, openText, type Place, reseal, seal, sealedPrefix, sealedUnder } from './envelope.ts';
import { fixedKeyring, newMasterKey } from './master-key.ts';

const key = newMasterKey();
const ring = fixedKeyring([key]);
const place: Place = { table: 't', id: '["a"]', column: 'c', version: 1 };
const anyPlace = fc.record({
  table: fc.string(),
  id: fc.string(),
  column: fc.string(),
  version: fc.nat(),
});
const unreadable = expect.objectContaining({ code: 'OPMAS_SECRET_UNREADABLE' });

describe('a sealed value', () => {
  test('opens to what it was, whatever it was', () => {
    fc.assert(
      fc.property(anyPlace, fc.uint8Array({ maxLength: 5_000 }), (where, bytes) => {
        expect(new Uint8Array(open(ring, where, seal(ring, where, bytes)))).toEqual(bytes);
      }),
    );
    const text = '\u{feff}Schlüssel ☃\0';
    expect(openText(ring, place, seal(ring, place, text))).toBe(text);
  });

  test('names its key, and is another text each time', () => {
    const sealed = seal(ring, place, 'secret');
    expect(sealed.startsWith(sealedPrefix(key.id))).toBe(true);
    expect(sealedUnder(sealed)).toBe(key.id);
    const many = Array.from({ length: 200 }, () => seal(ring, place, 'secret').split('.'));
    expect(new Set(many.map(([, , wrapped]) => wrapped?.slice(0, 16))).size).toBe(200);
    expect(new Set(many.map(([, , , body]) => body?.slice(0, 16))).size).toBe(200);
  });

  test('X24 moved to another row, column, table or version it does not open', () => {
    fc.assert(
      fc.property(anyPlace, anyPlace, (from, to) => {
        fc.pre(JSON.stringify(from) !== JSON.stringify(to));
        expect(() => open(ring, to, seal(ring, from, 'secret'))).toThrow(unreadable);
      }),
    );
    for (const moved of [{ table: 'u' }, { id: '["b"]' }, { column: 'd' }, { version: 2 }]) {
      const sealed = seal(ring, place, 'secret');
      expect(() => open(ring, { ...place, ...moved }, sealed)).toThrow(unreadable);
    }
    // Parts that read the same when they are only put together.
    const one = { ...place, table: 'ab', id: 'c' };
    const other = { ...place, table: 'a', id: 'bc' };
    expect(() => open(ring, other, seal(ring, one, 'secret'))).toThrow(unreadable);
  });

  test('X24 the wrapped keys of two values exchanged, neither opens', () => {
    const places = [place, { ...place, id: '["b"]' }] as const;
    const [one, other] = places.map((each) => seal(ring, each, 'secret').split('.'));
    const mixed = [one?.[0], one?.[1], other?.[2], one?.[3]].join('.');
    expect(() => open(ring, places[0], mixed)).toThrow(unreadable);
    expect(() => reseal(fixedKeyring([newMasterKey(), key]), places[0], mixed)).toThrow(unreadable);
  });

  test('X24 every value has a key of its own', () => {
    const [one, other] = [seal(ring, place, 'first'), seal(ring, place, 'second')].map((text) =>
      text.split('.'),
    );
    const mixed = [one?.[0], one?.[1], other?.[2], one?.[3]].join('.');
    expect(() => open(ring, place, mixed)).toThrow(unreadable);
  });

  test('X24 any changed character is noticed', () => {
    const sealed = seal(ring, place, 'secret text');
    for (let at = 0; at < sealed.length; at += 1) {
      const letter = sealed[at] === 'A' ? 'Q' : 'A';
      const changed = `${sealed.slice(0, at)}${letter}${sealed.slice(at + 1)}`;
      // The last character may carry unused bits.
      if (at === sealed.length - 1) continue;
      expect(() => open(ring, place, changed), `at ${at}`).toThrow(unreadable);
    }
  });

  test.each([
    '',
    'secret',
    'v1.',
    'v2.00000000.a.b',
    `v1.${key.id}.AAAA.BBBB`,
    'x'.repeat(5_000_000),
  ])('what is no sealed value is refused (%#)', (text) => {
    expect(sealedUnder(text)).toBeUndefined();
    expect(() => open(ring, place, text)).toThrow(unreadable);
  });

  test('without its key it names the key that is needed, and nothing of the value', () => {
    const stranger = fixedKeyring([newMasterKey()]);
    expect(() => open(stranger, place, seal(ring, place, 'secret'))).toThrow(
      expect.objectContaining({
        code: 'OPMAS_SECRET_UNREADABLE',
        message: expect.stringContaining(`master key ${key.id}, which (memory) does not hold`),
      }),
    );
  });
});

describe('resealing', () => {
  test('brings a value under the current key and leaves its ciphertext as it is', () => {
    const next = newMasterKey();
    const both = fixedKeyring([next, key]);
    const sealed = seal(ring, place, 'secret');
    const anew = reseal(both, place, sealed);
    expect(sealedUnder(anew)).toBe(next.id);
    expect(anew.split('.')[3]).toBe(sealed.split('.')[3]);
    expect(openText(fixedKeyring([next]), place, anew)).toBe('secret');
    expect(() => open(ring, place, anew)).toThrow(unreadable);
    expect(reseal(both, place, anew)).toBe(anew);
  });

  test('does not help to move a value', () => {
    const both = fixedKeyring([newMasterKey(), key]);
    const sealed = seal(ring, place, 'secret');
    expect(() => reseal(both, { ...place, id: '["b"]' }, sealed)).toThrow(unreadable);
  });

  test('two master keys share nothing', () => {
    const other = { ...newMasterKey(), id: key.id };
    const sealed = seal(ring, place, randomBytes(16));
    expect(() => open(fixedKeyring([other]), place, sealed)).toThrow(unreadable);
  });
});
