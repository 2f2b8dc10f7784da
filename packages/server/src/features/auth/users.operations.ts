/** The API of users, for those who administer them. */
import { Page, Type } from '@opmas/protocol';
import { pageQuery } from '../../kernel/paging.ts';
import { type Operation, operation } from '../../operation.ts';
import type { AuthService } from './auth.service.ts';
import { Password, Roles, Sessions, User, Username, UserParams } from './schemas.ts';
import { toView } from './user.ts';

export function usersOperations({ users, sessions }: AuthService): Operation[] {
  return [
    operation({
      id: 'users.list',
      summary: 'List users by name',
      kind: 'unary',
      effect: 'read',
      permission: 'users:read',
      rest: { method: 'GET', path: '/users', tag: 'users' },
      query: Type.Object(pageQuery),
      output: Page(User),
      run: ({ query }, { db }) => users.list(db, query),
    }),
    operation({
      id: 'users.get',
      summary: 'One user',
      kind: 'unary',
      effect: 'read',
      permission: 'users:read',
      rest: { method: 'GET', path: '/users/{user_id}', tag: 'users' },
      params: UserParams,
      output: User,
      run: async ({ params }, { db }) => toView(await users.find(db, params.user_id)),
    }),
    operation({
      id: 'users.create',
      summary: 'Make a user, with no more rights than you have',
      kind: 'unary',
      effect: 'external',
      permission: 'users:write',
      rest: { method: 'POST', path: '/users', status: 201, tag: 'users' },
      body: Type.Object(
        { username: Username, password: Password, roles: Roles },
        { additionalProperties: false },
      ),
      output: User,
      run: ({ body }, call) => users.create(body, call.caller, call),
    }),
    operation({
      id: 'users.update',
      summary: 'Change roles, disable or enable, set a new password',
      kind: 'unary',
      effect: 'external',
      permission: 'users:write',
      rest: { method: 'PUT', path: '/users/{user_id}', tag: 'users' },
      params: UserParams,
      body: Type.Object(
        {
          roles: Type.Optional(Roles),
          disabled: Type.Optional(Type.Boolean()),
          password: Type.Optional(Password),
        },
        { additionalProperties: false },
      ),
      output: User,
      run: ({ params, body }, call) => users.update(params.user_id, body, call.caller, call),
    }),
    operation({
      id: 'users.delete',
      summary: 'Delete a user; everything of theirs ends',
      kind: 'unary',
      effect: 'write',
      permission: 'users:write',
      rest: { method: 'DELETE', path: '/users/{user_id}', status: 204, tag: 'users' },
      params: UserParams,
      run: async ({ params }, call) => {
        await users.remove(call.db, params.user_id, call.caller, call);
        return undefined as never;
      },
    }),
    operation({
      id: 'users.sessions.list',
      summary: 'Where a user is signed in',
      kind: 'unary',
      effect: 'read',
      permission: 'users:read',
      rest: { method: 'GET', path: '/users/{user_id}/sessions', tag: 'users' },
      params: UserParams,
      output: Sessions,
      run: async ({ params }, { db, caller }) => {
        await users.find(db, params.user_id);
        const items = await sessions.list(db, params.user_id, caller.sessionId);
        return { items, next_cursor: null };
      },
    }),
    operation({
      id: 'users.sessions.end',
      summary: 'End all sessions of a user',
      kind: 'unary',
      effect: 'write',
      permission: 'users:write',
      rest: { method: 'DELETE', path: '/users/{user_id}/sessions', status: 204, tag: 'users' },
      params: UserParams,
      run: async ({ params }, call) => {
        await users.endSessionsOf(call.db, params.user_id, call.caller, call);
        return undefined as never;
      },
    }),
    operation({
      id: 'users.totp.remove',
      summary: 'Take away the second factor a user has lost; their sessions end',
      kind: 'unary',
      effect: 'write',
      permission: 'users:write',
      rest: { method: 'DELETE', path: '/users/{user_id}/totp', status: 204, tag: 'users' },
      params: UserParams,
      run: async ({ params }, call) => {
        await users.removeTotpOf(call.db, params.user_id, call.caller, call);
        return undefined as never;
      },
    }),
  ];
}
