/** The master key file: made once, refused when it is lost, damaged or open to others. */
import { createHash, randomBytes } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TempDir, tempDir } from '@opmas/testkit';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { newMasterKey, openKeyring, parseMasterKeys, writeMasterKeys } from './master-key.ts';

let dir: TempDir;
let path: string;
beforeEach(() => {
  dir = tempDir('master key');
  path = join(dir.path, 'keys', 'master.key');
});
afterEach(() => dir.remove());

const unusable = (what: RegExp) =>
  expect.objectContaining({
    code: 'OPMAS_MASTER_KEY_UNUSABLE',
    message: expect.stringMatching(what),
  });

describe('the master key file', () => {
  test('is made once, for its owner alone, and read the same ever after', () => {
    const made = openKeyring(path, { make: true }).keys();
    expect(made).toHaveLength(1);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(openKeyring(path, { make: true }).keys()).toEqual(made);
    expect(openKeyring(path, { make: false }).keys()).toEqual(made);
  });

  test('one line of base64, as earlier versions wrote it, is a key file', () => {
    const bytes = randomBytes(32);
    const [key] = parseMasterKeys(`${bytes.toString('base64')}\n`, path);
    expect(Buffer.from(key.bytes)).toEqual(bytes);
    expect(key.id).toBe(createHash('sha256').update(bytes).digest('hex').slice(0, 8));
    expect(key.wrapping).not.toEqual(key.bytes);
  });

  test('what is written is read back, order and retirement included', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            retiringSince: fc.option(
              fc.date({ min: new Date(0), noInvalidDate: true, max: new Date('2100-01-01') }),
              {
                nil: undefined,
              },
            ),
          }),
          { minLength: 1, maxLength: 16 },
        ),
        (given) => {
          const keys = given.map(({ retiringSince }) => ({
            ...newMasterKey(),
            retiringSince: retiringSince?.getTime(),
          }));
          const [first, ...others] = keys;
          if (first === undefined) throw new Error('at least one is generated');
          writeMasterKeys(path, [first, ...others]);
          expect(parseMasterKeys(readFileSync(path, 'utf8'), path)).toEqual(keys);
        },
      ),
      { numRuns: 30 },
    );
  });

  test('a key file in use is read again when it was replaced', () => {
    let now = 0;
    const ring = openKeyring(path, { make: true, now: () => now });
    const [old] = ring.keys();
    const added = newMasterKey();
    expect(ring.find(added.id)).toBeUndefined();
    writeMasterKeys(path, [added, old]);
    expect(ring.keys()[0]).toEqual(added);
    expect(ring.find(old.id)).toEqual(old);
    writeMasterKeys(path, [added]);
    // Who read a value just before the key was dropped must still open it.
    expect(ring.find(old.id)).toEqual(old);
    now = 60_000;
    expect(ring.find(old.id)).toBeUndefined();
  });

  test('a missing one is lost, not new, unless it may be made', () => {
    expect(() => openKeyring(path, { make: false })).toThrow(unusable(/is gone.*backup/s));
    expect(existsSync(path)).toBe(false);
    const ring = openKeyring(path, { make: true });
    rmSync(path);
    expect(() => ring.keys()).toThrow(unusable(/is gone/));
  });

  test.each([0o640, 0o604, 0o660, 0o644, 0o601])(
    'X24 mode %o is refused with the line to type',
    (mode) => {
      openKeyring(path, { make: true });
      chmodSync(path, mode);
      expect(() => openKeyring(path, { make: false })).toThrow(
        unusable(new RegExp(`mode ${mode.toString(8)}.*chmod 600 '.*master key.*master.key'`, 's')),
      );
    },
  );

  const half = randomBytes(32).toString('base64');
  test.each([
    ['nothing', ''],
    ['only a comment', '# no key\n'],
    ['31 bytes', `${randomBytes(31).toString('base64')}\n`],
    ['33 bytes', `${randomBytes(33).toString('base64')}\n`],
    ['hex', `${randomBytes(32).toString('hex')}\n`],
    ['stray bits', `${half.slice(0, 42)}${half.at(42) === 'B' ? 'C' : 'B'}=\n`],
    ['a word after the key', `${half} old\n`],
    ['a time that is none', `${half} retiring yesterday\n`],
    ['a good key and a bad one', `${half}\nbad\n`],
    ['too many keys', `${half}\n`.repeat(17)],
    ['too much', `${half}\n# ${'x'.repeat(5_000)}\n`],
  ])('with %s is damaged, and the error shows nothing of it', (_, text) => {
    openKeyring(path, { make: true });
    writeFileSync(path, text);
    expect(() => openKeyring(path, { make: false })).toThrow(unusable(/is damaged/));
    try {
      openKeyring(path, { make: false });
    } catch (error) {
      expect(String(error)).not.toContain(half.slice(0, 20));
    }
  });
});
