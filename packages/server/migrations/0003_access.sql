-- Custom roles, and tokens for scripts and for agents on other hosts.

CREATE TABLE roles (
  name        varchar(64) PRIMARY KEY,
  description text NOT NULL,
  grants      jsonb NOT NULL,
  created_at  timestamptz NOT NULL,
  updated_at  timestamptz NOT NULL
);

-- Only the hash of a token is kept. A revoked one stays: whoever used it is in the audit log.
CREATE TABLE tokens (
  token_id     uuid PRIMARY KEY,
  kind         varchar(16) NOT NULL,
  name         varchar(128) NOT NULL,
  token_hash   varchar(64) NOT NULL UNIQUE,
  roles        text[] NOT NULL DEFAULT '{}',
  max_uses     integer,
  uses         integer NOT NULL DEFAULT 0,
  agent_type   varchar(64),
  tags         text[] NOT NULL DEFAULT '{}',
  replace      boolean NOT NULL DEFAULT false,
  created_by   text NOT NULL,
  -- The person who made it: the token ends with them, and can never do more than they can now.
  owner_id     uuid,
  created_at   timestamptz NOT NULL,
  expires_at   timestamptz,
  last_used_at timestamptz,
  revoked_at   timestamptz
);
CREATE INDEX tokens_newest ON tokens (created_at DESC, token_id DESC);
