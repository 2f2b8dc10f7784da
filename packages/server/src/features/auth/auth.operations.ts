/** The API of signing in and staying so. */
import { Identity, TokenPair, Type } from '@opmas/protocol';
import { OpmasError } from '../../kernel/errors.ts';
import { type Call, type Operation, operation } from '../../operation.ts';
import type { AuthService } from './auth.service.ts';
import { Code, Password, RefreshToken, Username } from './schemas.ts';
import type { Client } from './sessions.service.ts';

const Cookie = Type.Optional(Type.Boolean());

export function authOperations(auth: AuthService): Operation[] {
  const { signIn, sessions, users, revocations } = auth;
  return [
    operation({
      id: 'auth.providers',
      summary: 'Other sites to sign in with',
      kind: 'unary',
      effect: 'read',
      permission: 'open',
      rest: { method: 'GET', path: '/auth/login/providers', tag: 'auth' },
      output: Type.Object({
        items: Type.Array(Type.Object({ id: Type.String(), name: Type.String() })),
      }),
      run: async () => ({ items: auth.providers.map(({ id, name }) => ({ id, name })) }),
    }),
    operation({
      id: 'auth.login',
      summary: 'Sign in with user name, password and, where it is on, a second factor',
      kind: 'unary',
      effect: 'external',
      permission: 'open',
      rest: {
        method: 'POST',
        path: '/auth/login',
        limitPerMinute: 30,
        refreshCookie: true,
        tag: 'auth',
      },
      body: Type.Object(
        { username: Username, password: Password, totp: Type.Optional(Code), cookie: Cookie },
        { additionalProperties: false },
      ),
      output: TokenPair,
      run: async ({ body }, call) => {
        call.audit({ object: body.username });
        return signIn.login(body, clientOf(call), call);
      },
    }),
    operation({
      id: 'auth.refresh',
      summary: 'Exchange a refresh token for a new pair',
      kind: 'unary',
      effect: 'external',
      permission: 'open',
      rest: {
        method: 'POST',
        path: '/auth/refresh',
        limitPerMinute: 120,
        refreshCookie: true,
        tag: 'auth',
      },
      body: RefreshToken,
      output: TokenPair,
      run: async ({ body }, call) =>
        sessions.refresh(given(body), clientOf(call), ({ session, user }, work) => {
          call.audit({
            object: session,
            details: { user_id: user, reason: 'a refresh token came twice: session ended' },
          });
          return call.commit(work);
        }),
    }),
    operation({
      id: 'auth.logout',
      summary: 'End the session of a refresh token',
      kind: 'unary',
      effect: 'external',
      permission: 'open',
      rest: {
        method: 'POST',
        path: '/auth/logout',
        status: 204,
        refreshCookie: true,
        tag: 'auth',
      },
      body: RefreshToken,
      run: async ({ body }, call) => {
        const { refresh_token: token } = body;
        // What ends nothing is not on record: anybody may ask, and the audit log only grows.
        if (token === undefined || !(await sessions.isKnown(call.db, token)))
          return undefined as never;
        await call.commit(async (tx) => {
          const ended = await sessions.logout(tx, token);
          if (ended === undefined) return;
          call.audit({ object: ended });
          call.afterCommit(() => revocations.endSession(ended));
        });
        return undefined as never;
      },
    }),
    operation({
      id: 'auth.me',
      summary: 'Who am I, and what may I do?',
      kind: 'unary',
      effect: 'read',
      permission: 'self',
      rest: { method: 'GET', path: '/auth/me', tag: 'auth' },
      output: Identity,
      run: async (_, { caller, db }) => {
        const user = caller.kind === 'user' ? await users.find(db, caller.id) : undefined;
        return {
          kind: caller.kind === 'anonymous' ? 'local' : caller.kind,
          id: caller.id,
          username: caller.name,
          roles: [...caller.roles],
          grants: [...caller.grants] as Identity['grants'],
          totp_enabled: (user?.totp_secret ?? null) !== null,
          password: (user?.password_hash ?? null) !== null,
        };
      },
    }),
    operation({
      id: 'setup.get',
      summary: 'Is the first user still missing?',
      kind: 'unary',
      effect: 'read',
      permission: 'open',
      rest: { method: 'GET', path: '/setup', tag: 'auth' },
      output: Type.Object({ needed: Type.Boolean() }),
      run: async (_, call) => ({ needed: await signIn.needsSetup(call.db) }),
    }),
    operation({
      id: 'setup.post',
      summary: 'Make the first user with the one-time code',
      kind: 'unary',
      effect: 'external',
      permission: 'open',
      rest: {
        method: 'POST',
        path: '/setup',
        limitPerMinute: 30,
        refreshCookie: true,
        tag: 'auth',
      },
      body: Type.Object(
        {
          code: Type.String({ minLength: 1, maxLength: 256 }),
          username: Username,
          password: Password,
          cookie: Cookie,
        },
        { additionalProperties: false },
      ),
      output: TokenPair,
      run: async ({ body }, call) => {
        call.audit({ object: body.username });
        return signIn.setup(body, clientOf(call), call);
      },
    }),
  ];
}

export function clientOf({ remote, userAgent }: Call): Client {
  return { remote, ...(userAgent === undefined ? {} : { userAgent }) };
}

function given({ refresh_token }: { refresh_token?: string }): string {
  if (refresh_token !== undefined) return refresh_token;
  throw new OpmasError(
    'OPMAS_TOKEN_INVALID',
    'No refresh token came, neither in the body nor as a cookie; sign in',
  );
}
