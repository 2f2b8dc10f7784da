/** What a package's signature proves, and what passes for one. */
import { generateKeyPairSync, sign } from 'node:crypto';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TempDir, tempDir } from '@opmas/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { packageLimits } from './limits.ts';
import { RefusedPackage } from './refused.ts';
import {
  isSignedBy,
  newSigningKey,
  readPublicKey,
  readSignature,
  signDigest,
} from './signature.ts';

const AT = new Date('2026-05-27T12:00:00.000Z');
const DIGEST = 'a'.repeat(64);
const key = newSigningKey();
const good = signDigest(DIGEST, key.privateKey, AT);

let temp: TempDir;
let dir: string;
beforeEach(() => {
  temp = tempDir('signature');
  dir = join(temp.path, 'p');
  mkdirSync(dir);
});
afterEach(() => temp.remove());
const write = (text: string | Uint8Array) => writeFileSync(join(dir, '.opmas-signature'), text);

describe('X22 package signatures', () => {
  test('a signature is read back, and holds for its key alone', async () => {
    write(JSON.stringify(good));
    const read = await readSignature(dir);
    expect(read).toEqual(good);
    expect(isSignedBy(good, key.publicKey)).toBe(true);
    expect(isSignedBy(good, newSigningKey().publicKey)).toBe(false);
    expect(good.key_id).toBe(readPublicKey(key.publicKey).keyId);
  });

  test('a package without one has none', async () => {
    expect(await readSignature(dir)).toBeUndefined();
  });

  test.each([
    ['another digest', { digest: 'b'.repeat(64) }],
    ['another time', { signed_at: '2027-05-27T12:00:00.000Z' }],
    ['another key id', { key_id: newSigningKey().keyId }],
    ['another signature', { signature: signDigest('b'.repeat(64), key.privateKey, AT).signature }],
    ['a signature of zeros', { signature: 'A'.repeat(86) }],
  ])('%s is not what was signed', (_, change) => {
    expect(isSignedBy({ ...good, ...change }, key.publicKey)).toBe(false);
  });

  test('one that names another key is not taken, although it was signed', () => {
    const { signature: _, ...claims } = { ...good, key_id: newSigningKey().keyId };
    const { key_id, digest, signed_at } = claims;
    const text = `opmas package signature 1\n${key_id}\n${digest}\n${signed_at}\n`;
    const signature = sign(null, Buffer.from(text), key.privateKey).toString('base64url');
    expect(isSignedBy({ ...claims, signature }, key.publicKey)).toBe(false);
  });

  test.each<[string, string | Uint8Array]>([
    ['no JSON', '{'],
    ['invalid UTF-8', Buffer.from([0xff, 0xfe])],
    ['a list', '[]'],
    ['another algorithm', JSON.stringify({ ...good, algorithm: 'none' })],
    ['something more', JSON.stringify({ ...good, also: 1 })],
    ['a key in the file', JSON.stringify({ ...good, key_id: key.publicKey })],
    ['an empty signature', JSON.stringify({ ...good, signature: '' })],
  ])('%s in place of a signature is refused', async (_, text) => {
    write(text);
    await expect(readSignature(dir)).rejects.toMatchObject({
      fault: { code: 'signature_invalid' },
    });
  });

  test('a signature file that is a link or too large is refused', async () => {
    symlinkSync('/etc/hostname', join(dir, '.opmas-signature'));
    await expect(readSignature(dir)).rejects.toMatchObject({ fault: { code: 'symlink' } });
    const other = join(temp.path, 'q');
    mkdirSync(other);
    writeFileSync(join(other, '.opmas-signature'), ' '.repeat(packageLimits.signatureBytes + 1));
    await expect(readSignature(other)).rejects.toMatchObject({ fault: { code: 'too_large' } });
  });

  test('only ed25519 keys are taken, and no private key passes for a public one', () => {
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const pem = rsa.publicKey.export({ type: 'spki', format: 'pem' }).toString();
    for (const text of [pem, key.privateKey, 'nonsense', '']) {
      expect(() => readPublicKey(text)).toThrow(RefusedPackage);
    }
    expect(() => signDigest(DIGEST, key.publicKey, AT)).toThrow(RefusedPackage);
  });
});
