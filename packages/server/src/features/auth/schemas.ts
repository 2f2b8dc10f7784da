/** What the operations of signing in and of users take and answer. */
import { Timestamp, Type } from '@opmas/protocol';
import { MAX_PASSWORD } from './password-policy.ts';

export const Username = Type.String({ pattern: '^[A-Za-z0-9._@-]{1,64}$' });
export const Password = Type.String({ minLength: 1, maxLength: MAX_PASSWORD });
/** Six digits, or a recovery code. */
export const Code = Type.String({ minLength: 1, maxLength: 64 });
export const Roles = Type.Array(Type.String({ minLength: 1, maxLength: 64 }), {
  maxItems: 32,
  uniqueItems: true,
});
const Id = Type.String({ format: 'uuid' });
export const UserParams = Type.Object({ user_id: Id });
export const SessionParams = Type.Object({ session_id: Id });

export const RefreshToken = Type.Object(
  { refresh_token: Type.Optional(Type.String({ minLength: 1, maxLength: 256 })) },
  { additionalProperties: false },
);

export const User = Type.Object({
  user_id: Type.String(),
  username: Type.String(),
  roles: Type.Array(Type.String()),
  disabled: Type.Boolean(),
  totp_enabled: Type.Boolean(),
  source: Type.Enum(['local', 'oidc']),
  created_at: Timestamp,
  updated_at: Timestamp,
  last_login_at: Type.Union([Timestamp, Type.Null()]),
});

/** All there are: a user has at most `limits.sessionsPerUser`. */
export const Sessions = Type.Object({
  items: Type.Array(
    Type.Object({
      session_id: Type.String(),
      created_at: Timestamp,
      last_used_at: Timestamp,
      expires_at: Timestamp,
      remote: Type.Union([Type.String(), Type.Null()]),
      user_agent: Type.Union([Type.String(), Type.Null()]),
      current: Type.Boolean(),
    }),
  ),
  next_cursor: Type.Null(),
});
