/** An agent's first words to the server, and its renewals. */

import { AgentId, Timestamp, Token } from './common.ts';
import { type Static, Type } from './typebox.ts';

/** Which of an agent's replicas: 0 for the first, and when it is left out. */
export const Slot = Type.Integer({ minimum: 0, maximum: 999 });

/**
 * `POST /agents`. With `public_key` (nkey, `U…`) no seed is made: the key never leaves the agent. The token
 * is the one-time token of a launch, or an enrollment token: then `public_key` is needed, and the last four
 * say what otherwise a package says.
 */
export const RegistrationRequest = Type.Object(
  {
    agent_name: Token,
    agent_version: Type.String({ minLength: 1, maxLength: 64 }),
    agent_type: Token,
    discovery_token: Type.String({ minLength: 1, maxLength: 256 }),
    public_key: Type.Optional(Type.String({ pattern: '^U[A-Z2-7]{55}$' })),
    slot: Type.Optional(Slot),
    instance_id: Type.Optional(Token),
    subscribed_topics: Type.Optional(
      Type.Array(Type.String({ maxLength: 640 }), { maxItems: 64, uniqueItems: true }),
    ),
    findings_topic: Type.Optional(Type.String({ maxLength: 640 })),
    tags: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 64 }), { maxItems: 32, uniqueItems: true }),
    ),
    description: Type.Optional(Type.String({ maxLength: 2_048 })),
  },
  { additionalProperties: false },
);
export type RegistrationRequest = Static<typeof RegistrationRequest>;

/** `credentials` is null with an external broker whose account OPMAS does not hold. */
export const NatsAccess = Type.Object({
  url: Type.String(),
  credentials: Type.Union([
    Type.Object({ jwt: Type.String(), seed: Type.Optional(Type.String()) }),
    Type.Null(),
  ]),
});
export type NatsAccess = Static<typeof NatsAccess>;

/** `expires_in` in seconds, of the access token and of the broker credentials. */
export const RegistrationAnswer = Type.Object({
  agent_id: AgentId,
  access_token: Type.String(),
  expires_in: Type.Integer({ minimum: 1 }),
  nats: NatsAccess,
  config_version: Type.Integer({ minimum: 0 }),
});
export type RegistrationAnswer = Static<typeof RegistrationAnswer>;

/**
 * `POST /agents/{agent_id}/credentials`: signed with the agent's nkey over
 * `credentialsChallenge(...)`, base64url.
 */
export const CredentialsRequest = Type.Object(
  {
    instance_id: Token,
    slot: Type.Optional(Slot),
    timestamp: Timestamp,
    nonce: Type.String({ pattern: '^[A-Za-z0-9_-]{16,128}$' }),
    signature: Type.String({ pattern: '^[A-Za-z0-9_-]{86}$' }),
  },
  { additionalProperties: false },
);
export type CredentialsRequest = Static<typeof CredentialsRequest>;

/** The text an agent signs to renew its credentials. */
export function credentialsChallenge(request: {
  agent_id: string;
  instance_id: string;
  timestamp: string;
  nonce: string;
}): string {
  return `opmas.credentials.v1\n${request.agent_id}\n${request.instance_id}\n${request.timestamp}\n${request.nonce}`;
}
