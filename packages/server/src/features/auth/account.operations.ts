/** The API of one's own account: password, second factor, sessions. */
import { Type } from '@opmas/protocol';
import { type Operation, operation } from '../../operation.ts';
import type { AuthService } from './auth.service.ts';
import { Password, SessionParams, Sessions } from './schemas.ts';

const Proof = Type.Object({ password: Password }, { additionalProperties: false });

export function accountOperations({ account, sessions, revocations }: AuthService): Operation[] {
  return [
    operation({
      id: 'auth.password',
      summary: 'Set a new password of your own; your other sessions end',
      kind: 'unary',
      effect: 'external',
      permission: 'person',
      rest: { method: 'PUT', path: '/auth/password', status: 204, limitPerMinute: 30, tag: 'auth' },
      body: Type.Object(
        { current_password: Password, new_password: Password },
        { additionalProperties: false },
      ),
      run: async ({ body }, call) => {
        await account.setPassword(call.caller, body, call);
        return undefined as never;
      },
    }),
    operation({
      id: 'auth.totp.propose',
      summary: 'Get a secret for an app; it counts once a code of it is confirmed',
      kind: 'unary',
      effect: 'external',
      permission: 'person',
      rest: { method: 'POST', path: '/auth/totp', limitPerMinute: 30, tag: 'auth' },
      body: Proof,
      output: Type.Object({ secret: Type.String(), uri: Type.String() }),
      run: ({ body }, call) => account.proposeTotp(call.caller, body.password, call),
    }),
    operation({
      id: 'auth.totp.confirm',
      summary: 'Turn the second factor on with a code of the app',
      kind: 'unary',
      effect: 'external',
      permission: 'person',
      rest: { method: 'POST', path: '/auth/totp/confirm', limitPerMinute: 30, tag: 'auth' },
      body: Type.Object(
        { code: Type.String({ pattern: '^[0-9]{6}$' }) },
        { additionalProperties: false },
      ),
      output: Type.Object({ recovery_codes: Type.Array(Type.String()) }),
      run: ({ body }, call) => account.confirmTotp(call.caller, body.code, call),
    }),
    operation({
      id: 'auth.totp.remove',
      summary: 'Turn the second factor off',
      kind: 'unary',
      effect: 'external',
      permission: 'person',
      rest: {
        method: 'POST',
        path: '/auth/totp/remove',
        status: 204,
        limitPerMinute: 30,
        tag: 'auth',
      },
      body: Proof,
      run: async ({ body }, call) => {
        await account.removeTotp(call.caller, body.password, call);
        return undefined as never;
      },
    }),
    operation({
      id: 'auth.sessions.list',
      summary: 'Where you are signed in',
      kind: 'unary',
      effect: 'read',
      permission: 'person',
      rest: { method: 'GET', path: '/auth/sessions', tag: 'auth' },
      output: Sessions,
      run: async (_, { db, caller }) => ({
        items: await sessions.list(db, caller.id, caller.sessionId),
        next_cursor: null,
      }),
    }),
    operation({
      id: 'auth.sessions.end_others',
      summary: 'End all your sessions but this one',
      kind: 'unary',
      effect: 'write',
      permission: 'person',
      rest: { method: 'DELETE', path: '/auth/sessions', status: 204, tag: 'auth' },
      run: async (_, call) => {
        await account.endOtherSessions(call.db, call.caller, call);
        return undefined as never;
      },
    }),
    operation({
      id: 'auth.sessions.end',
      summary: 'End one of your sessions',
      kind: 'unary',
      effect: 'write',
      permission: 'person',
      rest: { method: 'DELETE', path: '/auth/sessions/{session_id}', status: 204, tag: 'auth' },
      params: SessionParams,
      run: async ({ params }, call) => {
        await sessions.end(call.db, call.caller.id, params.session_id);
        call.afterCommit(() => revocations.endSession(params.session_id));
        return undefined as never;
      },
    }),
  ];
}
