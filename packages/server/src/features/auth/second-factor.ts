/** The second factor: time-based codes (RFC 6238) and recovery codes, each good once. */
import { randomInt } from 'node:crypto';
import type { Clock } from '../../kernel/clock.ts';
import { OpmasError } from '../../kernel/errors.ts';
import { secretHash } from '../../kernel/ids.ts';
import type { Executor, SealedColumn, Vault } from '../../platform/ports.ts';
import type { User } from './user.ts';
import * as store from './users.store.ts';

const STEP_MS = 30_000;
const RECOVERY_CODES = 10;
/** 24 of 32 characters are 120 bits: enough that a plain hash keeps them. Without 0 O 1 I. */
const ALPHABET = '23456789ABCDEFGHJKLMNPQRSTUVWXYZ';
const CODE_LENGTH = 24;

/** Where the secrets stand: what a rotation of the master key rewraps. */
export const TOTP_COLUMNS: readonly SealedColumn[] = [
  { table: 'users', key: ['id'], column: 'totp_secret' },
  { table: 'users', key: ['id'], column: 'totp_proposed' },
];
const [ACCEPTED, PROPOSED] = TOTP_COLUMNS as [SealedColumn, SealedColumn];

export type SecondFactor = ReturnType<typeof createSecondFactor>;

export function createSecondFactor({ vault, clock }: { vault: Vault; clock: Clock }) {
  const at = () => new Date(clock.now());

  /** The time step a code belongs to, at most one away from now; undefined for a wrong one. */
  async function stepOf(secret: string, code: string, username: string) {
    const { totp } = await generator(secret, username);
    const now = clock.now();
    const delta = totp.validate({ token: code, timestamp: now, window: 1 });
    return delta === null ? undefined : Math.floor(now / STEP_MS) + delta;
  }

  return {
    /** A secret to put into an app; it counts once a code of it was confirmed. */
    async propose(db: Executor, user: User): Promise<{ secret: string; uri: string }> {
      if (user.totp_secret !== null) throw alreadyOn();
      const { secret, totp } = await generator(undefined, user.username);
      const totp_proposed = await vault.seal(db, PROPOSED, [user.id], secret);
      await store.updateUser(db, user.id, { totp_proposed }, at());
      return { secret, uri: totp.toString() };
    },

    /** @throws {OpmasError} OPMAS_CODE_WRONG, OPMAS_CONFLICT */
    async confirm(db: Executor, user: User, code: string): Promise<{ recovery_codes: string[] }> {
      if (user.totp_secret !== null) throw alreadyOn();
      if (user.totp_proposed === null) {
        throw new OpmasError('OPMAS_CONFLICT', 'Ask for a secret first: POST /auth/totp');
      }
      const secret = vault.openText(PROPOSED, [user.id], user.totp_proposed);
      const step = await stepOf(secret, code, user.username);
      if (step === undefined) {
        throw new OpmasError(
          'OPMAS_CODE_WRONG',
          'The code is not of this secret, or too old; compare the clocks of both sides',
        );
      }
      const totp_secret = await vault.seal(db, ACCEPTED, [user.id], secret);
      const change = { totp_secret, totp_proposed: null, totp_step: step };
      await store.updateUser(db, user.id, change, at());
      const codes = Array.from({ length: RECOVERY_CODES }, recoveryCode);
      await store.replaceRecoveryCodes(db, user.id, codes.map(recoveryHash));
      return { recovery_codes: codes };
    },

    /** Uses a code up; false when it is wrong, old or used. Commits at once: a code is spent although the sign-in fails. */
    async spend(db: Executor, user: User, code: string): Promise<boolean> {
      if (user.totp_secret === null) return false;
      if (!/^\d{6}$/.test(code)) return store.takeRecoveryCode(db, user.id, recoveryHash(code));
      const secret = vault.openText(ACCEPTED, [user.id], user.totp_secret);
      const step = await stepOf(secret, code, user.username);
      return step !== undefined && store.takeTotpStep(db, user.id, step);
    },

    /** @throws {OpmasError} OPMAS_CONFLICT when the password is too short to stand alone */
    async remove(db: Executor, user: User): Promise<User> {
      if (user.password_short) {
        throw new OpmasError(
          'OPMAS_CONFLICT',
          'The password is too short to stand alone; set a longer one first',
        );
      }
      await store.replaceRecoveryCodes(db, user.id, []);
      const nothing = { totp_secret: null, totp_proposed: null, totp_step: null };
      return store.updateUser(db, user.id, nothing, at());
    },
  };
}

/** Loaded when somebody uses it. */
async function generator(secret: string | undefined, username: string) {
  const { Secret, TOTP } = await import('otpauth');
  const held = secret === undefined ? new Secret({ size: 20 }) : Secret.fromBase32(secret);
  const totp = new TOTP({
    issuer: 'OPMAS',
    label: username,
    algorithm: 'SHA1',
    digits: 6,
    period: STEP_MS / 1_000,
    secret: held,
  });
  return { secret: held.base32, totp };
}

function recoveryCode(): string {
  const characters = Array.from({ length: CODE_LENGTH }, () => ALPHABET[randomInt(32)]).join('');
  return characters.replaceAll(/(.{4})(?=.)/g, '$1-');
}

/** However it was typed: case, spaces and dashes do not count. */
function recoveryHash(code: string): string {
  return secretHash(code.toUpperCase().replaceAll(/[^0-9A-Z]/g, ''));
}

function alreadyOn(): OpmasError {
  return new OpmasError('OPMAS_CONFLICT', 'The second factor is on; take it away first');
}
