/** The API of tokens: the text of one is told once, when it is made. */
import { Page, Timestamp, Token, Type } from '@opmas/protocol';
import { pageQuery } from '../../kernel/paging.ts';
import { type Operation, operation } from '../../operation.ts';
import type { TokensService } from './tokens.service.ts';

const YEAR_S = 366 * 86_400;
const KIND = Type.Enum(['api', 'enrollment']);
const Tag = Type.String({ minLength: 1, maxLength: 64 });
const When = Type.Union([Timestamp, Type.Null()]);

const fields = {
  token_id: Type.String({ format: 'uuid' }),
  kind: KIND,
  name: Type.String(),
  roles: Type.Array(Type.String()),
  max_uses: Type.Union([Type.Integer(), Type.Null()]),
  uses: Type.Integer(),
  agent_type: Type.Union([Type.String(), Type.Null()]),
  tags: Type.Array(Type.String()),
  replace: Type.Boolean(),
  created_by: Type.String(),
  created_at: Timestamp,
  expires_at: When,
  last_used_at: When,
  revoked_at: When,
};
const TokenAnswer = Type.Object(fields);

const NewToken = Type.Object(
  {
    kind: KIND,
    name: Type.String({ minLength: 1, maxLength: 128 }),
    /** Seconds; 90 days for an API token, one day for an enrollment token when it is left out. */
    expires_in: Type.Optional(Type.Integer({ minimum: 60, maximum: YEAR_S })),
    roles: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 64 }), { maxItems: 20 }),
    ),
    max_uses: Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000 })),
    agent_type: Type.Optional(Token),
    tags: Type.Optional(Type.Array(Tag, { maxItems: 32, uniqueItems: true })),
    /** Lets the agent take over the identity of the living agent of its name. */
    replace: Type.Optional(Type.Boolean()),
  },
  { additionalProperties: false },
);

export function tokensOperations(tokens: TokensService): Operation[] {
  return [
    operation({
      id: 'tokens.list',
      summary: 'Tokens, newest first; never their text',
      kind: 'unary',
      effect: 'read',
      permission: 'tokens:read',
      rest: { method: 'GET', path: '/tokens', tag: 'access' },
      query: Type.Object({ ...pageQuery, kind: Type.Optional(KIND) }),
      output: Page(TokenAnswer),
      run: ({ query }, call) => tokens.list(call.db, query),
    }),
    operation({
      id: 'tokens.create',
      summary: 'Make a token for a script or for agents on another host; its text is told once',
      kind: 'unary',
      effect: 'write',
      permission: 'tokens:create',
      rest: { method: 'POST', path: '/tokens', status: 201, tag: 'access' },
      body: NewToken,
      output: Type.Object({ ...fields, token: Type.String() }),
      run: async ({ body }, call) => {
        const made = await tokens.create(call.db, body, call.caller);
        const { token: _, ...row } = made;
        call.audit({ object: made.token_id, after: row });
        return made;
      },
    }),
    operation({
      id: 'tokens.revoke',
      summary: 'Revoke a token; it ends within two seconds everywhere',
      kind: 'unary',
      effect: 'write',
      permission: 'tokens:revoke',
      rest: { method: 'DELETE', path: '/tokens/{token_id}', status: 204, tag: 'access' },
      params: Type.Object({ token_id: Type.String({ format: 'uuid' }) }),
      run: async ({ params }, call) => {
        const revoked = await tokens.revoke(call.db, params.token_id);
        call.audit({
          object: revoked.token_id,
          details: { kind: revoked.kind, name: revoked.name },
        });
        call.afterCommit(() => tokens.forget(params.token_id));
        return undefined as never;
      },
    }),
  ];
}
