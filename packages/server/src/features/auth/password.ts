/** Passwords as they are kept: argon2id from node:crypto, as a PHC string, a few at a time. */
import { argon2, randomBytes, timingSafeEqual } from 'node:crypto';
import { promisify } from 'node:util';
import { OpmasError } from '../../kernel/errors.ts';
import { limits } from '../../kernel/limits.ts';
import { MAX_PASSWORD } from './password-policy.ts';

const argon2Async = promisify(argon2);

interface Cost {
  /** KiB */
  memory: number;
  passes: number;
  lanes: number;
}

/** OWASP's second recommended setting. */
const COST: Cost = { memory: 19_456, passes: 2, lanes: 1 };
/** A stored string asks for no more than this: whoever could write one must not stall the server. */
const MAX_COST: Cost = { memory: 262_144, passes: 10, lanes: 4 };
const TAG_BYTES = 32;
const PHC =
  /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,2}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{43})$/;

let running = 0;
const waiting: (() => void)[] = [];

/** Each takes 19 MiB and a core for 20 ms: few run at once, some wait, and beyond that nobody is kept waiting. */
async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  if (running >= limits.passwordHashes) {
    if (waiting.length >= limits.passwordWaiting) {
      throw new OpmasError(
        'OPMAS_UNAVAILABLE',
        'Too many people sign in at this moment; try again in a second',
        { retryAfter: 1 },
      );
    }
    await new Promise<void>((resolve) => waiting.push(resolve));
  } else running += 1;
  try {
    return await work();
  } finally {
    const next = waiting.shift();
    if (next === undefined) running -= 1;
    else next();
  }
}

async function tag(password: string, salt: Buffer, cost: Cost): Promise<Buffer> {
  return inTurn(() =>
    argon2Async('argon2id', {
      message: Buffer.from(password.normalize('NFKC').slice(0, MAX_PASSWORD)),
      nonce: salt,
      parallelism: cost.lanes,
      tagLength: TAG_BYTES,
      memory: cost.memory,
      passes: cost.passes,
    }),
  );
}

/** @throws {OpmasError} OPMAS_UNAVAILABLE when too many wait already. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  const hash = await tag(password, salt, COST);
  const b64 = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '');
  const { memory, passes, lanes } = COST;
  return `$argon2id$v=19$m=${memory},t=${passes},p=${lanes}$${b64(salt)}$${b64(hash)}`;
}

export interface Verdict {
  right: boolean;
  /** Kept with other costs than new ones are: worth hashing again now that the password is at hand. */
  outdated: boolean;
}

/** Takes the same time whether the user exists or not: pass undefined for an unknown one. */
export async function verifyPassword(
  password: string,
  stored: string | null | undefined,
): Promise<Verdict> {
  const kept = parsePhc(stored ?? '');
  const hash = await tag(password, kept?.salt ?? randomBytes(16), kept?.cost ?? COST);
  if (kept === undefined) return { right: false, outdated: false };
  const { cost, expected } = kept;
  return {
    right: expected.length === hash.length && timingSafeEqual(expected, hash),
    outdated:
      cost.memory !== COST.memory || cost.passes !== COST.passes || cost.lanes !== COST.lanes,
  };
}

function parsePhc(text: string): { cost: Cost; salt: Buffer; expected: Buffer } | undefined {
  const match = PHC.exec(text);
  if (match === null) return undefined;
  const [memory = 0, passes = 0, lanes = 0] = match.slice(1, 4).map(Number);
  const inBounds =
    memory >= 8 * lanes &&
    memory <= MAX_COST.memory &&
    passes >= 1 &&
    passes <= MAX_COST.passes &&
    lanes >= 1 &&
    lanes <= MAX_COST.lanes;
  if (!inBounds) return undefined;
  const [salt = '', expected = ''] = match.slice(4);
  return {
    cost: { memory, passes, lanes },
    salt: Buffer.from(salt, 'base64'),
    expected: Buffer.from(expected, 'base64'),
  };
}
