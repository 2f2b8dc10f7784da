// What the server answers about people, roles, tokens and the audit log.
import type { Identity } from '@opmas/protocol';

/** Sign-in, set-up and refresh, in their cookie form: the refresh token is not in it. */
export interface AccessToken {
  access_token: string;
  expires_in: number;
}

export interface AgentSelector {
  ids?: readonly string[];
  types?: readonly string[];
  tags?: readonly string[];
}

export interface Grant {
  permission: string;
  agents?: AgentSelector;
}

/** Who is signed in, and what they may do. */
export type Me = Identity;

export interface Provider {
  id: string;
  name: string;
}

export interface SessionRow {
  session_id: string;
  created_at: string;
  last_used_at: string;
  expires_at: string;
  remote: string | null;
  user_agent: string | null;
  current: boolean;
}

export interface TotpSecret {
  secret: string;
  uri: string;
}

export interface User {
  user_id: string;
  username: string;
  roles: readonly string[];
  disabled: boolean;
  totp_enabled: boolean;
  source: 'local' | 'oidc';
  created_at: string;
  updated_at: string;
  last_login_at: string | null;
}

export interface Role {
  name: string;
  description: string;
  built_in: boolean;
  grants: readonly Grant[];
}

export interface PermissionRow {
  permission: string;
  meaning: string;
}

export interface TokenRow {
  token_id: string;
  kind: 'api' | 'enrollment';
  name: string;
  roles: readonly string[];
  max_uses: number | null;
  uses: number;
  agent_type: string | null;
  tags: readonly string[];
  replace: boolean;
  created_by: string;
  created_at: string;
  expires_at: string | null;
  last_used_at: string | null;
  revoked_at: string | null;
}

export interface NewToken {
  kind: TokenRow['kind'];
  name: string;
  /** Seconds. */
  expires_in?: number;
  roles?: readonly string[];
  max_uses?: number;
  agent_type?: string;
  tags?: readonly string[];
  replace?: boolean;
}
