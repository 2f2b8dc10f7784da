/** The API of signing in. */
import { Identity, TokenPair, Type } from '@opmas/protocol';
import { type Operation, operation } from '../../operation.ts';
import type { AuthService } from './auth.service.ts';
import { MAX_PASSWORD } from './password.ts';
import { mayDo } from './roles.ts';

const Username = Type.String({ pattern: '^[A-Za-z0-9._@-]{1,64}$' });
const Password = Type.String({ minLength: 1, maxLength: MAX_PASSWORD });
const RefreshToken = Type.Object(
  { refresh_token: Type.String({ minLength: 1, maxLength: 256 }) },
  { additionalProperties: false },
);

export function authOperations(auth: AuthService): Operation[] {
  return [
    operation({
      id: 'auth.login',
      summary: 'Sign in with user name and password',
      kind: 'unary',
      effect: 'write',
      permission: 'open',
      rest: { method: 'POST', path: '/auth/login', limitPerMinute: 30, tag: 'auth' },
      body: Type.Object(
        {
          username: Username,
          password: Password,
          totp: Type.Optional(Type.String({ maxLength: 16 })),
        },
        { additionalProperties: false },
      ),
      output: TokenPair,
      run: async ({ body }, call) => {
        call.audit({ object: body.username });
        return auth.login(call.db, body);
      },
    }),
    operation({
      id: 'auth.refresh',
      summary: 'Exchange a refresh token for a new pair',
      kind: 'unary',
      effect: 'external',
      permission: 'open',
      rest: { method: 'POST', path: '/auth/refresh', limitPerMinute: 120, tag: 'auth' },
      body: RefreshToken,
      output: TokenPair,
      run: ({ body }) => auth.refresh(body.refresh_token),
    }),
    operation({
      id: 'auth.logout',
      summary: 'End the session of a refresh token',
      kind: 'unary',
      effect: 'write',
      permission: 'open',
      rest: { method: 'POST', path: '/auth/logout', status: 204, tag: 'auth' },
      body: RefreshToken,
      run: async ({ body }, call) => {
        await auth.logout(call.db, body.refresh_token);
        return undefined as never;
      },
    }),
    operation({
      id: 'auth.me',
      summary: 'Who am I?',
      kind: 'unary',
      effect: 'read',
      permission: 'self',
      rest: { method: 'GET', path: '/auth/me', tag: 'auth' },
      output: Identity,
      run: async (_, { caller }) => ({
        kind: caller.kind === 'anonymous' ? 'local' : caller.kind,
        id: caller.id,
        username: caller.name,
        roles: [...caller.roles],
      }),
    }),
    operation({
      id: 'auth.can_i',
      summary: 'May I do this?',
      kind: 'unary',
      effect: 'read',
      permission: 'self',
      rest: { method: 'GET', path: '/auth/can-i', tag: 'auth' },
      query: Type.Object({
        permission: Type.String({ pattern: '^[a-z-]{1,32}:[a-z-]{1,32}$' }),
        agent_id: Type.Optional(Type.String({ maxLength: 128 })),
      }),
      output: Type.Object({ allowed: Type.Boolean() }),
      run: async ({ query }, { caller }) => ({ allowed: mayDo(caller, query.permission) }),
    }),
    operation({
      id: 'setup.get',
      summary: 'Is the first user still missing?',
      kind: 'unary',
      effect: 'read',
      permission: 'open',
      rest: { method: 'GET', path: '/setup', tag: 'auth' },
      output: Type.Object({ needed: Type.Boolean() }),
      run: async (_, call) => ({ needed: await auth.setupNeeded(call.db) }),
    }),
    operation({
      id: 'setup.post',
      summary: 'Make the first user with the one-time code',
      kind: 'unary',
      effect: 'write',
      permission: 'open',
      rest: { method: 'POST', path: '/setup', limitPerMinute: 30, tag: 'auth' },
      body: Type.Object(
        {
          code: Type.String({ minLength: 1, maxLength: 256 }),
          username: Username,
          password: Password,
        },
        { additionalProperties: false },
      ),
      output: TokenPair,
      run: async ({ body }, call) => {
        call.audit({ object: body.username });
        return auth.setup(call.db, body);
      },
    }),
  ];
}
