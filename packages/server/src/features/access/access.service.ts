/** Roles and what they grant: built-in ones as data, custom ones from the database, known to every request. */

import type { Clock } from '../../kernel/clock.ts';
import { OpmasError } from '../../kernel/errors.ts';
import { type Grant, isWithin } from '../../kernel/grants.ts';
import { limits } from '../../kernel/limits.ts';
import type { Caller } from '../../operation.ts';
import type { Database, Executor, RolesNow } from '../../platform/ports.ts';
import * as store from './access.store.ts';
import { BUILT_IN, type Role } from './roles.ts';

export interface RoleView extends Role {
  built_in: boolean;
}

export function createAccessService({ database, clock }: { database: Database; clock: Clock }) {
  const builtIn = new Map(BUILT_IN.map((role) => [role.name, role]));
  let custom: ReadonlyMap<string, Role> = new Map();

  const at = () => new Date(clock.now());

  async function readRoles(): Promise<void> {
    const roles = await store.customRoles(database.pool, limits.roles);
    custom = new Map(roles.map((role) => [role.name, role]));
  }

  let reading: Promise<void> = Promise.resolve();

  /**
   * Takes over what any replica changed; call every few seconds and after a change of our own.
   * One reads after the other: a slow answer from before a change never undoes it.
   */
  function sync(): Promise<void> {
    reading = reading.then(readRoles, readRoles);
    return reading;
  }

  function grantsOf(roles: readonly string[]): readonly Grant[] {
    return roles.flatMap((name) => (builtIn.get(name) ?? custom.get(name))?.grants ?? []);
  }

  /** Read from the database: another replica may have made one a moment ago. */
  const rolesNow: RolesNow = async (db, names) => {
    const asked = names.filter((name) => !builtIn.has(name));
    const rows = asked.length === 0 ? [] : await store.sharedRoles(db, asked);
    const known = names.flatMap((name) => builtIn.get(name) ?? []);
    return new Map([...known, ...rows].map(({ name, grants }) => [name, grants]));
  };

  /** Nobody makes or changes a role into more than they hold themselves. */
  function requireWithin(grants: readonly Grant[], caller: Caller): void {
    if (isWithin(grants, caller.grants)) return;
    throw new OpmasError(
      'OPMAS_FORBIDDEN',
      'The role would grant more than you hold yourself; leave those grants out',
    );
  }

  async function existing(db: Executor, name: string): Promise<Role> {
    if (builtIn.has(name)) {
      throw new OpmasError(
        'OPMAS_CONFLICT',
        `${name} is a built-in role and stays as it is; make one with another name`,
      );
    }
    const role = await store.lockRole(db, name);
    if (role === undefined) throw new OpmasError('OPMAS_NOT_FOUND', `No role ${name}`);
    return role;
  }

  return {
    sync,
    grantsOf,

    rolesNow,

    /** From the database, as `find`: what one replica made is listed by all. */
    async list(db: Executor): Promise<RoleView[]> {
      const made = await store.customRoles(db, limits.roles);
      return [
        ...[...builtIn.values()].map((role) => ({ ...role, built_in: true })),
        ...made.map((role) => ({ ...role, built_in: false })),
      ];
    },

    async find(db: Executor, name: string): Promise<RoleView> {
      const known = builtIn.get(name);
      if (known !== undefined) return { ...known, built_in: true };
      const role = await store.roleByName(db, name);
      if (role === undefined) throw new OpmasError('OPMAS_NOT_FOUND', `No role ${name}`);
      return { ...role, built_in: false };
    },

    async create(db: Executor, role: Role, caller: Caller): Promise<RoleView> {
      requireWithin(role.grants, caller);
      // Beyond the bound a role would be read by nobody, and grant nothing.
      await store.lockRoles(db);
      if ((await store.countRoles(db)) >= limits.roles) {
        throw new OpmasError('OPMAS_CONFLICT', `There can be ${limits.roles} custom roles`);
      }
      if (builtIn.has(role.name) || !(await store.insertRole(db, role, at()))) {
        throw new OpmasError('OPMAS_CONFLICT', `There is a role ${role.name} already`);
      }
      return { ...role, built_in: false };
    },

    /** The role as it was, and as it is. */
    async update(db: Executor, role: Role, caller: Caller): Promise<{ before: Role; after: Role }> {
      const before = await existing(db, role.name);
      requireWithin(role.grants, caller);
      requireWithin(before.grants, caller);
      await store.updateRole(db, role, at());
      return { before, after: role };
    },

    async remove(db: Executor, name: string, caller: Caller): Promise<Role> {
      const before = await existing(db, name);
      requireWithin(before.grants, caller);
      const holders = await store.holdersOf(db, name, at());
      if (holders.length > 0) {
        throw new OpmasError(
          'OPMAS_CONFLICT',
          `${name} is held by ${holders.join(', ')}; give users another role, revoke tokens first`,
        );
      }
      await store.deleteRole(db, name);
      return before;
    },
  };
}

export type AccessService = ReturnType<typeof createAccessService>;
