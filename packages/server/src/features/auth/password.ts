/** Passwords: argon2id from node:crypto, kept as a PHC string; length is what is asked of them. */
import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { OpmasError } from '../../kernel/errors.ts';

const argon2Async = promisify(argon2);
/** OWASP's second recommended setting: 19 MiB, two passes, one lane. */
const MEMORY_KIB = 19_456;
const PASSES = 2;
const TAG_BYTES = 32;
export const MIN_PASSWORD = 15;
export const MAX_PASSWORD = 256;

/** @throws {OpmasError} OPMAS_PASSWORD_REFUSED with the reason. */
export function checkPassword(password: string, username: string): void {
  const refuse = (reason: string) =>
    new OpmasError('OPMAS_PASSWORD_REFUSED', reason, {
      errors: [{ path: 'password', message: reason }],
    });
  if (password.length < MIN_PASSWORD) {
    throw refuse(`The password must have at least ${MIN_PASSWORD} characters; a sentence is fine`);
  }
  if (password.length > MAX_PASSWORD) throw refuse(`At most ${MAX_PASSWORD} characters`);
  if (new Set(password).size < 5) throw refuse('The password repeats too few different characters');
  if (password.toLowerCase().includes(username.toLowerCase()) && username.length >= 4) {
    throw refuse('The password contains the user name');
  }
}

async function tag(password: string, salt: Buffer): Promise<Buffer> {
  return argon2Async('argon2id', {
    message: Buffer.from(password.normalize('NFKC')),
    nonce: salt,
    parallelism: 1,
    tagLength: TAG_BYTES,
    memory: MEMORY_KIB,
    passes: PASSES,
  });
}

export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  const hash = await tag(password, salt);
  const b64 = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '');
  return `$argon2id$v=19$m=${MEMORY_KIB},t=${PASSES},p=1$${b64(salt)}$${b64(hash)}`;
}

/** Takes the same time whether the user exists or not: pass undefined for an unknown one. */
export async function verifyPassword(
  password: string,
  stored: string | undefined,
): Promise<boolean> {
  const match = /^\$argon2id\$v=19\$m=19456,t=2,p=1\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/.exec(
    stored ?? '',
  );
  const salt = match?.[1] === undefined ? randomBytes(16) : Buffer.from(match[1], 'base64');
  const hash = await tag(password.slice(0, MAX_PASSWORD), salt);
  if (match?.[2] === undefined) return false;
  const expected = Buffer.from(match[2], 'base64');
  return expected.length === hash.length && timingSafeEqual(expected, hash);
}
