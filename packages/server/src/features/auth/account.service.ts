/** What users do with their own account: password, second factor, other sessions. */
import type { Clock } from '../../kernel/clock.ts';
import { OpmasError } from '../../kernel/errors.ts';
import type { Caller } from '../../operation.ts';
import type { Database, Executor } from '../../platform/ports.ts';
import type { Endings, Recorded } from './endings.ts';
import { hashPassword, verifyPassword } from './password.ts';
import { checkPassword } from './password-policy.ts';
import type { SecondFactor } from './second-factor.ts';
import { accountKey, type Throttle } from './throttle.ts';
import { requireLocal, type User } from './user.ts';
import * as store from './users.store.ts';

export type AccountService = ReturnType<typeof createAccount>;

export function createAccount(options: {
  database: Database;
  clock: Clock;
  throttle: Throttle;
  secondFactor: SecondFactor;
  endings: Endings;
}) {
  const { database, clock, throttle, secondFactor } = options;
  const { endSessions } = options.endings;
  const at = () => new Date(clock.now());

  /** The user, who proved by password that it is really them. Guessing is throttled as at the sign-in. */
  async function proven(userId: string, password: string): Promise<User> {
    const user = await store.userById(database.pool, userId);
    if (user === undefined) throw new OpmasError('OPMAS_NOT_FOUND', 'The user is gone');
    requireLocal(user);
    return throttle.attempt(
      [accountKey('password', userId)],
      async () => {
        const { right } = await verifyPassword(password, user.password_hash);
        if (!right) throw new OpmasError('OPMAS_PASSWORD_WRONG', 'The password is wrong');
        return user;
      },
      (error) => error instanceof OpmasError && error.code === 'OPMAS_PASSWORD_WRONG',
    );
  }

  return {
    async endOtherSessions(db: Executor, caller: Caller, recorded: Recorded): Promise<void> {
      const ended = await endSessions(db, caller.id, recorded, caller.sessionId);
      recorded.audit({ object: caller.id, details: { sessions: ended } });
    },

    /** A new password of one's own; every other session ends. */
    async setPassword(
      caller: Caller,
      body: { current_password: string; new_password: string },
      recorded: Recorded,
    ): Promise<void> {
      const user = await proven(caller.id, body.current_password);
      const { short } = await checkPassword(body.new_password, {
        username: user.username,
        secondFactor: user.totp_secret !== null,
      });
      const password_hash = await hashPassword(body.new_password);
      await recorded.commit(async (tx) => {
        const now = await requireUnchanged(tx, user);
        if (short && now.totp_secret === null) throw changedMeanwhile();
        await store.updateUser(tx, user.id, { password_hash, password_short: short }, at());
        const ended = await endSessions(tx, user.id, recorded, caller.sessionId);
        recorded.audit({ object: user.id, details: { sessions_ended: ended } });
      });
    },

    async proposeTotp(caller: Caller, password: string, recorded: Recorded) {
      const user = await proven(caller.id, password);
      return recorded.commit(async (tx) => {
        recorded.audit({ object: user.id });
        return secondFactor.propose(tx, await requireUnchanged(tx, user));
      });
    },

    async confirmTotp(caller: Caller, code: string, recorded: Recorded) {
      const confirm = () =>
        recorded.commit(async (tx) => {
          const user = await store.lockUser(tx, caller.id);
          if (user === undefined) throw new OpmasError('OPMAS_NOT_FOUND', 'The user is gone');
          recorded.audit({ object: user.id });
          return secondFactor.confirm(tx, user, code);
        });
      return throttle.attempt(
        [accountKey('password', caller.id)],
        confirm,
        (error) => error instanceof OpmasError && error.code === 'OPMAS_CODE_WRONG',
      );
    },

    async removeTotp(caller: Caller, password: string, recorded: Recorded): Promise<void> {
      const user = await proven(caller.id, password);
      await recorded.commit(async (tx) => {
        const now = await requireUnchanged(tx, user);
        if (now.totp_secret === null) {
          throw new OpmasError('OPMAS_CONFLICT', 'There is no second factor to take away');
        }
        recorded.audit({ object: user.id });
        await secondFactor.remove(tx, now);
      });
    },
  };
}

/** What was proven by the password holds only while it is still the password. */
async function requireUnchanged(db: Executor, user: User): Promise<User> {
  const now = await store.lockUser(db, user.id);
  if (now?.password_hash === user.password_hash) return now;
  throw changedMeanwhile();
}

function changedMeanwhile(): OpmasError {
  return new OpmasError('OPMAS_CONFLICT', 'The user was changed meanwhile; try again');
}
