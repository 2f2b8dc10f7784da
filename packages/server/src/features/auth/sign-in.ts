/** Getting in: by password and second factor, through a provider, or as the first user by the set-up code. */
import type { Clock } from '../../kernel/clock.ts';
import { OpmasError } from '../../kernel/errors.ts';
import { type Ids, secretHash } from '../../kernel/ids.ts';
import { limits } from '../../kernel/limits.ts';
import type { Database, Executor } from '../../platform/ports.ts';
import type { Recorded } from './endings.ts';
import { hashPassword, verifyPassword } from './password.ts';
import { checkPassword } from './password-policy.ts';
import type { Revocations } from './revocations.ts';
import type { SecondFactor } from './second-factor.ts';
import type { Client, Pair, SessionsService } from './sessions.service.ts';
import { accountKey, addressKey, type Throttle } from './throttle.ts';
import type { User } from './user.ts';
import * as store from './users.store.ts';

export interface ProviderPerson {
  issuer: string;
  subject: string;
  /** What the provider calls them; changed when it is taken or cannot be written. */
  name: string;
  roles: string[];
  /** Identifies the return of the provider: it counts once. */
  state: string;
  stateExpires: number;
}

export type SignIn = ReturnType<typeof createSignIn>;

export function createSignIn(options: {
  database: Database;
  clock: Clock;
  ids: Ids;
  throttle: Throttle;
  sessions: SessionsService;
  secondFactor: SecondFactor;
  revocations: Revocations;
}) {
  const { database, clock, ids, throttle, sessions, secondFactor, revocations } = options;
  const at = () => new Date(clock.now());

  /** Who name, password and code stand for. Everything wrong looks the same, and takes the same time. */
  async function prove(input: {
    username: string;
    password: string;
    totp?: string;
  }): Promise<{ user: User; outdated: boolean }> {
    const user = await store.userByName(database.pool, input.username);
    const { right, outdated } = await verifyPassword(input.password, user?.password_hash);
    if (!right || user === undefined || user.disabled_at !== null) {
      throw new OpmasError('OPMAS_BAD_CREDENTIALS', 'Wrong user name or password');
    }
    if (user.totp_secret === null) return { user, outdated };
    if (input.totp === undefined) {
      throw new OpmasError('OPMAS_TOTP_REQUIRED', 'Give the code of your second factor too');
    }
    if (await secondFactor.spend(database.pool, user, input.totp)) return { user, outdated };
    throw new OpmasError(
      'OPMAS_BAD_CREDENTIALS',
      'The code is wrong, too old, or was used before; wait for the next one',
    );
  }

  async function insertFirst(
    db: Executor,
    input: { username: string; passwordHash: string },
  ): Promise<User> {
    const user = await store.insertUser(
      db,
      {
        id: ids.uuid(),
        username: input.username,
        password_hash: input.passwordHash,
        roles: ['admin'],
      },
      at(),
    );
    if (user === undefined) throw new Error('the first user exists');
    return user;
  }

  /** A name nobody has: with a part of the subject's hash when the provider's is taken. */
  async function insertPerson(db: Executor, person: ProviderPerson): Promise<User> {
    if ((await store.countUsers(db)) >= limits.users) throw tooMany();
    const { issuer, subject, roles } = person;
    const suffix = secretHash(`${issuer} ${subject}`).slice(0, 8);
    const name = person.name.replaceAll(/[^A-Za-z0-9._@-]+/g, '-').slice(0, 50) || 'user';
    for (const username of [name, `${name}-${suffix}`]) {
      const user = await store.insertUser(
        db,
        { id: ids.uuid(), username, password_hash: null, roles, issuer, subject },
        at(),
      );
      if (user !== undefined) return user;
    }
    throw new OpmasError('OPMAS_CONFLICT', `The names ${name} and ${name}-${suffix} are taken`);
  }

  /** Roles come from the provider at each sign-in; what was issued with other ones ends. */
  async function updatePerson(db: Executor, user: User, roles: string[]): Promise<User> {
    if (user.disabled_at !== null) {
      throw new OpmasError('OPMAS_FORBIDDEN', 'This user is disabled here; ask an administrator');
    }
    if (sameItems(user.roles, roles)) return user;
    await store.noteAccessChange(db, user.id, at());
    return store.updateUser(db, user.id, { roles }, at());
  }

  return {
    /** @throws {OpmasError} OPMAS_BAD_CREDENTIALS, OPMAS_TOTP_REQUIRED, OPMAS_RATE_LIMITED */
    async login(
      input: { username: string; password: string; totp?: string },
      client: Client,
      { commit, audit, afterCommit }: Recorded,
    ): Promise<Pair> {
      const keys = [
        addressKey('sign-in', client.remote),
        accountKey('sign-in', input.username),
      ] as const;
      const { user, outdated } = await throttle.attempt(
        keys,
        () => prove(input),
        (error) => error instanceof OpmasError && error.code === 'OPMAS_BAD_CREDENTIALS',
      );
      const password_hash = outdated ? await hashPassword(input.password) : undefined;
      return commit(async (tx) => {
        const now = await store.lockUser(tx, user.id);
        // Changed since it was proven: whoever knew the old password is not in.
        if (now?.disabled_at !== null || now.password_hash !== user.password_hash) {
          throw new OpmasError('OPMAS_BAD_CREDENTIALS', 'Wrong user name or password');
        }
        audit({ details: { user_id: user.id, second_factor: input.totp !== undefined } });
        await store.noteLogin(tx, user.id, {
          last_login_at: at(),
          ...(password_hash === undefined ? {} : { password_hash }),
        });
        return sessions.open(tx, now, client, afterCommit);
      });
    },

    /** Someone a provider vouches for. Known by issuer and subject alone: a name or an address proves nothing. */
    async provider(
      person: ProviderPerson,
      client: Client,
      { commit, audit, afterCommit }: Recorded,
    ): Promise<Pair> {
      return commit(async (tx) => {
        const expires = new Date(person.stateExpires);
        if (!(await store.takeOidcReturn(tx, secretHash(person.state), expires))) {
          throw new OpmasError('OPMAS_TOKEN_INVALID', 'This sign-in was used; start it again');
        }
        await store.lockUsers(tx);
        const known = await store.userBySubject(tx, person.issuer, person.subject);
        const user =
          known === undefined
            ? await insertPerson(tx, person)
            : await updatePerson(tx, known, person.roles);
        if (known !== undefined && user !== known) {
          afterCommit(() => revocations.changeAccess(user.id, clock.now() - 1));
        }
        audit({
          object: user.username,
          details: { user_id: user.id, issuer: person.issuer, roles: user.roles },
        });
        await store.noteLogin(tx, user.id, { last_login_at: at() });
        return sessions.open(tx, user, client, afterCommit);
      });
    },

    needsSetup: async (db: Executor) => (await store.countUsers(db)) === 0,

    /** Makes `code` the one set-up code; every earlier one is worthless, also of a replica that starts now. */
    async acceptSetupCode(db: Executor, code: string): Promise<string> {
      await store.replaceSetupCode(db, secretHash(code), at());
      return code;
    },

    /** @throws {OpmasError} OPMAS_SETUP_DONE, OPMAS_TOKEN_INVALID, OPMAS_PASSWORD_REFUSED, OPMAS_RATE_LIMITED */
    async setup(
      input: { code: string; username: string; password: string },
      client: Client,
      { commit, afterCommit }: Pick<Recorded, 'commit' | 'afterCommit'>,
    ): Promise<Pair> {
      const key = addressKey('setup', client.remote);
      await throttle.admit(key);
      const code = secretHash(input.code);
      const wrong = () =>
        new OpmasError(
          'OPMAS_TOKEN_INVALID',
          'The set-up code is not valid; use the link that the newest start printed',
        );
      const done = () => new OpmasError('OPMAS_SETUP_DONE', 'Set-up is done; sign in');
      if ((await store.countUsers(database.pool)) > 0) throw done();
      if (!(await store.isSetupCode(database.pool, code))) {
        await throttle.failed(key);
        throw wrong();
      }
      await checkPassword(input.password, { username: input.username, secondFactor: false });
      const passwordHash = await hashPassword(input.password);
      return commit(async (tx) => {
        await store.lockUsers(tx);
        if ((await store.countUsers(tx)) > 0) throw done();
        if (!(await store.takeSetupCode(tx, code))) throw wrong();
        const user = await insertFirst(tx, { username: input.username, passwordHash });
        await store.noteLogin(tx, user.id, { last_login_at: at() });
        return sessions.open(tx, user, client, afterCommit);
      });
    },

    /** The administrator of `OPMAS_ADMIN_PASSWORD`, made on the first start only. */
    async ensureAdmin(db: Executor, password: string): Promise<boolean> {
      await store.lockUsers(db);
      if ((await store.countUsers(db)) > 0) return false;
      await checkPassword(password, { username: 'admin', secondFactor: false });
      await insertFirst(db, { username: 'admin', passwordHash: await hashPassword(password) });
      return true;
    },
  };
}

export function tooMany(): OpmasError {
  return new OpmasError('OPMAS_CONFLICT', `There can be ${limits.users} users; delete some first`);
}

function sameItems(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((item) => other.includes(item));
}
