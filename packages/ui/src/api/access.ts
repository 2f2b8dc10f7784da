// Users, roles and tokens.
import { limits } from '../limits.ts';
import type { Api } from './index.ts';
import type { NewToken, PermissionRow, Role, SessionRow, TokenRow, User } from './resources.ts';

export interface UserChange {
  roles?: readonly string[];
  disabled?: boolean;
  password?: string;
}

export function accessApi({ call, all }: Api) {
  const user = (id: string) => `/users/${encodeURIComponent(id)}`;
  const role = (name: string) => `/roles/${encodeURIComponent(name)}`;
  return {
    users: (signal?: AbortSignal) => all<User>('/users', limits.listPage, limits.listPages, signal),
    user: (id: string, signal?: AbortSignal) => call<User>({ path: user(id), signal }),
    addUser: (body: { username: string; password: string; roles: readonly string[] }) =>
      call<User>({ method: 'POST', path: '/users', body }),
    changeUser: (id: string, body: UserChange) =>
      call<User>({ method: 'PUT', path: user(id), body }),
    deleteUser: (id: string) => call<void>({ method: 'DELETE', path: user(id) }),
    userSessions: (id: string, signal?: AbortSignal) =>
      call<{ items: SessionRow[] }>({ path: `${user(id)}/sessions`, signal }),
    endUserSessions: (id: string) => call<void>({ method: 'DELETE', path: `${user(id)}/sessions` }),
    removeUserTotp: (id: string) => call<void>({ method: 'DELETE', path: `${user(id)}/totp` }),

    roles: (signal?: AbortSignal) => call<{ items: Role[] }>({ path: '/roles', signal }),
    permissions: (signal?: AbortSignal) =>
      call<{ items: PermissionRow[] }>({ path: '/permissions', signal }),
    addRole: ({ name, description, grants }: Omit<Role, 'built_in'>) =>
      call<Role>({ method: 'POST', path: '/roles', body: { name, description, grants } }),
    changeRole: ({ name, description, grants }: Omit<Role, 'built_in'>) =>
      call<Role>({ method: 'PUT', path: role(name), body: { description, grants } }),
    deleteRole: (name: string) => call<void>({ method: 'DELETE', path: role(name) }),

    tokens: (signal?: AbortSignal) =>
      all<TokenRow>('/tokens', limits.listPage, limits.listPages, signal),
    addToken: (body: NewToken) =>
      call<TokenRow & { token: string }>({ method: 'POST', path: '/tokens', body }),
    revokeToken: (id: string) =>
      call<void>({ method: 'DELETE', path: `/tokens/${encodeURIComponent(id)}` }),
  };
}
