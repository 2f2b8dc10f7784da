/** Who signs in: a row of `users`, and what the API shows of it. */
import type { Selectable } from 'kysely';
import { timestamp } from '../../kernel/clock.ts';
import { OpmasError } from '../../kernel/errors.ts';
import type { Tables } from '../../platform/ports.ts';

export type User = Selectable<Tables['users']>;

export interface UserView {
  user_id: string;
  username: string;
  roles: string[];
  disabled: boolean;
  totp_enabled: boolean;
  source: 'local' | 'oidc';
  created_at: string;
  updated_at: string;
  last_login_at: string | null;
}

export function toView(user: User): UserView {
  return {
    user_id: user.id,
    username: user.username,
    roles: user.roles,
    disabled: user.disabled_at !== null,
    totp_enabled: user.totp_secret !== null,
    source: user.issuer === null ? 'local' : 'oidc',
    created_at: timestamp(user.created_at.getTime()),
    updated_at: timestamp(user.updated_at.getTime()),
    last_login_at: user.last_login_at === null ? null : timestamp(user.last_login_at.getTime()),
  };
}

/** What the audit log keeps of a user before and after a change. */
export function auditView(user: User): Pick<UserView, 'username' | 'roles' | 'disabled'> {
  const { username, roles, disabled } = toView(user);
  return { username, roles, disabled };
}

/** @throws {OpmasError} OPMAS_CONFLICT for who signs in through a provider */
export function requireLocal(user: User): void {
  if (user.password_hash !== null) return;
  throw new OpmasError(
    'OPMAS_CONFLICT',
    `${user.username} signs in through ${user.issuer ?? 'a provider'}: password, second factor and roles are set there`,
  );
}
