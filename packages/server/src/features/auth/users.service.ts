/** Users as administrators see and change them. */
import type { Clock } from '../../kernel/clock.ts';
import { OpmasError } from '../../kernel/errors.ts';
import { isWithin } from '../../kernel/grants.ts';
import type { Ids } from '../../kernel/ids.ts';
import { limits } from '../../kernel/limits.ts';
import {
  decodeCursor,
  type Page,
  type PageRequest,
  pageLimit,
  toPage,
} from '../../kernel/paging.ts';
import type { Caller } from '../../operation.ts';
import type { Database, Executor, RolesNow } from '../../platform/ports.ts';
import type { Endings, Recorded } from './endings.ts';
import { hashPassword } from './password.ts';
import { checkPassword } from './password-policy.ts';
import type { SecondFactor } from './second-factor.ts';
import { tooMany } from './sign-in.ts';
import { accountKey, type Throttle } from './throttle.ts';
import { auditView, requireLocal, toView, type User, type UserView } from './user.ts';
import * as store from './users.store.ts';

const ADMIN = 'admin';
/** What agents have; no role for people. */
const NOT_FOR_PEOPLE = 'agent';

export interface UserUpdate {
  roles?: string[];
  disabled?: boolean;
  password?: string;
}

export type UsersService = ReturnType<typeof createUsers>;

export function createUsers(options: {
  database: Database;
  clock: Clock;
  ids: Ids;
  throttle: Throttle;
  secondFactor: SecondFactor;
  endings: Endings;
  rolesNow: RolesNow;
}) {
  const { database, clock, ids, throttle, secondFactor } = options;
  const { endSessions, changeAccess } = options.endings;
  const at = () => new Date(clock.now());

  /** Of these names, the roles there are that a person can have. */
  async function forPeople(db: Executor, names: readonly string[]): Promise<string[]> {
    const known = await options.rolesNow(db, names);
    return names.filter((name) => known.has(name) && name !== NOT_FOR_PEOPLE);
  }

  /** Roles the caller may give to a person. */
  async function requireRoles(
    db: Executor,
    roles: readonly string[],
    caller: Caller,
  ): Promise<void> {
    const good = await forPeople(db, roles);
    const index = roles.findIndex((role) => !good.includes(role));
    if (index >= 0) {
      const message = `${roles[index]} is no role for a person`;
      throw new OpmasError('OPMAS_INVALID_REQUEST', `roles/${index}: ${message}`, {
        errors: [{ path: `roles/${index}`, message }],
      });
    }
    await requireWithin(db, roles, caller);
  }

  /** Who could reset the password of someone with more rights would have those rights. */
  async function requireWithin(
    db: Executor,
    roles: readonly string[],
    caller: Caller,
  ): Promise<void> {
    const grants = [...(await options.rolesNow(db, roles)).values()].flat();
    if (isWithin(grants, caller.grants)) return;
    throw new OpmasError('OPMAS_FORBIDDEN', 'That user has, or would have, more rights than you');
  }

  async function requireAnotherAdmin(db: Executor, user: User): Promise<void> {
    if (!user.roles.includes(ADMIN) || user.disabled_at !== null) return;
    if ((await store.countHolders(db, ADMIN, user.id)) > 0) return;
    throw new OpmasError(
      'OPMAS_CONFLICT',
      `${user.username} is the last administrator; give somebody else the role first`,
    );
  }

  async function found(db: Executor, id: string): Promise<User> {
    const user = await store.userById(db, id);
    if (user === undefined) throw new OpmasError('OPMAS_NOT_FOUND', `No user ${id}`);
    return user;
  }

  /** The user, locked, with the number of administrators; the caller has at least their rights. */
  async function toChange(db: Executor, id: string, caller: Caller): Promise<User> {
    await store.lockUsers(db);
    const user = await store.lockUser(db, id);
    if (user === undefined) throw new OpmasError('OPMAS_NOT_FOUND', `No user ${id}`);
    await requireWithin(db, user.roles, caller);
    return user;
  }

  async function change(db: Executor, user: User, body: UserUpdate): Promise<store.UserChange> {
    if (body.roles !== undefined || body.password !== undefined) requireLocal(user);
    const loses =
      body.disabled === true || (body.roles !== undefined && !body.roles.includes(ADMIN));
    if (loses) await requireAnotherAdmin(db, user);
    return {
      ...(body.roles === undefined ? {} : { roles: body.roles }),
      ...(body.disabled === undefined
        ? {}
        : { disabled_at: body.disabled ? (user.disabled_at ?? at()) : null }),
    };
  }

  return {
    find: found,
    forPeople: (names: readonly string[]) => forPeople(database.pool, names),

    async list(db: Executor, query: PageRequest): Promise<Page<UserView>> {
      const limit = pageLimit(query);
      const after = query.cursor === undefined ? undefined : decodeCursor(query.cursor, 1);
      const rows = await store.listUsers(db, { limit: limit + 1, after });
      return toPage(rows, limit, toView, (user) => [user.username.toLowerCase()]);
    },

    async create(
      body: { username: string; password: string; roles: string[] },
      caller: Caller,
      { commit, audit }: Recorded,
    ): Promise<UserView> {
      await requireRoles(database.pool, body.roles, caller);
      await checkPassword(body.password, { username: body.username, secondFactor: false });
      const password_hash = await hashPassword(body.password);
      const { username, roles } = body;
      return commit(async (tx) => {
        await requireRoles(tx, roles, caller);
        await store.lockUsers(tx);
        if ((await store.countUsers(tx)) >= limits.users) throw tooMany();
        const made = { id: ids.uuid(), username, password_hash, roles };
        const user = await store.insertUser(tx, made, at());
        if (user === undefined) {
          throw new OpmasError('OPMAS_CONFLICT', `There is a user ${username} already`);
        }
        audit({ object: user.id, after: auditView(user) });
        return toView(user);
      });
    },

    /** A new password or new rights end what the user has open; freed of a lock they can sign in at once. */
    async update(
      id: string,
      body: UserUpdate,
      caller: Caller,
      recorded: Recorded,
    ): Promise<UserView> {
      const before = await found(database.pool, id);
      await requireWithin(database.pool, before.roles, caller);
      if (body.roles !== undefined) await requireRoles(database.pool, body.roles, caller);
      let password_hash: string | undefined;
      if (body.password !== undefined) {
        requireLocal(before);
        await checkPassword(body.password, { username: before.username, secondFactor: false });
        password_hash = await hashPassword(body.password);
      }
      const after = await recorded.commit(async (tx) => {
        if (body.roles !== undefined) await requireRoles(tx, body.roles, caller);
        const user = await toChange(tx, id, caller);
        const rights = await change(tx, user, body);
        const password =
          password_hash === undefined ? {} : { password_hash, password_short: false };
        const changed = await store.updateUser(tx, id, { ...rights, ...password }, at());
        if (Object.keys(rights).length > 0) await changeAccess(tx, id, recorded);
        if (body.disabled === true || password_hash !== undefined) {
          await endSessions(tx, id, recorded);
        }
        recorded.audit({
          before: auditView(user),
          after: auditView(changed),
          details: { password_set: password_hash !== undefined },
        });
        return changed;
      });
      if (body.disabled !== true) await throttle.clear(accountKey('sign-in', after.username));
      return toView(after);
    },

    /** Everything of theirs ends: sessions, tokens, second factor. */
    async remove(db: Executor, id: string, caller: Caller, recorded: Recorded): Promise<void> {
      const user = await toChange(db, id, caller);
      await requireAnotherAdmin(db, user);
      await endSessions(db, id, recorded);
      await changeAccess(db, id, recorded);
      await store.deleteUser(db, id);
      recorded.audit({ before: auditView(user) });
    },

    async endSessionsOf(db: Executor, id: string, caller: Caller, recorded: Recorded) {
      await toChange(db, id, caller);
      recorded.audit({ details: { sessions: await endSessions(db, id, recorded) } });
    },

    /** An administrator takes away a lost second factor. */
    async removeTotpOf(db: Executor, id: string, caller: Caller, recorded: Recorded) {
      const user = await toChange(db, id, caller);
      if (user.totp_secret === null) {
        throw new OpmasError('OPMAS_NOT_FOUND', `${user.username} has no second factor`);
      }
      await secondFactor.remove(db, user);
      await endSessions(db, id, recorded);
      recorded.audit({ details: { username: user.username } });
    },
  };
}
