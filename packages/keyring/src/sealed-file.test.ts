/** Sealed files: unreadable without the master key, whole or not there, brought under a new key in passing. */
import {
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type TempDir, tempDir } from '@opmas/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { deriveKey } from './derive.ts';
import { sealedUnder } from './envelope.ts';
import { fixedKeyring, newMasterKey } from './master-key.ts';
import { makePrivate, writePrivate } from './private-file.ts';
import { readSealedJson, resealFile, writeSealedJson } from './sealed-file.ts';

let dir: TempDir;
let path: string;
const key = newMasterKey();
const ring = fixedKeyring([key]);
beforeEach(() => {
  dir = tempDir('sealed');
  path = join(dir.path, 'keys', 'a.sealed');
});
afterEach(() => dir.remove());

describe('a sealed file', () => {
  test('holds what was written, for its owner alone, and shows none of it', () => {
    const value = { seed: 'CANARY-seed', list: [1, 'two'] };
    writeSealedJson(ring, path, value);
    expect(readSealedJson(ring, path)).toEqual(value);
    expect(readFileSync(path, 'utf8')).not.toContain('CANARY');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(dir.path, 'keys'))).toEqual(['a.sealed']);
  });

  test('that is not there is undefined', () => {
    expect(readSealedJson(ring, path)).toBeUndefined();
    expect(resealFile(ring, path)).toBe(false);
  });

  test('X24 under another name it does not open', () => {
    writeSealedJson(ring, path, { a: 1 });
    const other = join(dir.path, 'keys', 'b.sealed');
    copyFileSync(path, other);
    expect(() => readSealedJson(ring, other)).toThrow(/belongs elsewhere/);
  });

  test('damaged it says so', () => {
    writePrivate(path, 'x'.repeat(2_000_000));
    expect(() => readSealedJson(ring, path)).toThrow(/too large/);
    writeFileSync(path, '{"a":1}');
    expect(() => readSealedJson(ring, path)).toThrow(
      expect.objectContaining({ code: 'OPMAS_SECRET_UNREADABLE' }),
    );
  });

  test('found under an older key it is written anew under the current one', () => {
    writeSealedJson(ring, path, { a: 1 });
    const next = newMasterKey();
    const both = fixedKeyring([next, key]);
    expect(readSealedJson(both, path)).toEqual({ a: 1 });
    expect(sealedUnder(readFileSync(path, 'utf8').trim())).toBe(next.id);
    expect(readSealedJson(fixedKeyring([next]), path)).toEqual({ a: 1 });
    expect(resealFile(both, path)).toBe(false);
  });
});

describe('private files', () => {
  test('are made by one of many', () => {
    const made = ['one', 'two', 'three'].map((text) => makePrivate(path, text));
    expect(made).toEqual([true, false, false]);
    expect(readFileSync(path, 'utf8')).toBe('one');
    writePrivate(path, 'four');
    expect(readFileSync(path, 'utf8')).toBe('four');
    expect(existsSync(path)).toBe(true);
    expect(readdirSync(join(dir.path, 'keys'))).toEqual(['a.sealed']);
  });
});

describe('derived keys', () => {
  test('are a function of secret and purpose, and differ for every purpose', () => {
    const secret = new Uint8Array(32).fill(7);
    // RFC 5869 with an empty salt, computed by another implementation.
    expect(Buffer.from(deriveKey(secret, 'opmas test v1')).toString('hex')).toBe(
      'b514ec40e3ee183274bf31ae80cc2d6b23ebcdccc0f00a43fa8aaaa56feb0d76',
    );
    const purposes = ['a', 'b', 'opmas seal v1', ''];
    const keys = purposes.map((purpose) => Buffer.from(deriveKey(secret, purpose)).toString('hex'));
    expect(new Set(keys).size).toBe(purposes.length);
  });
});
