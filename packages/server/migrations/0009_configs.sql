-- Configurations as layers of five scopes, each with versions; groups by label; schemas of packages.

-- Every version of every layer. A row is never changed: whatever names it by version can trust it.
CREATE TABLE config_layers (
  scope      varchar(16) NOT NULL
             CHECK (scope IN ('environment', 'fleet', 'group', 'agent', 'runtime')),
  -- Name of the environment or group, id of the agent; '' for the fleet.
  scope_id   varchar(128) NOT NULL,
  version    bigint NOT NULL,
  document   jsonb NOT NULL,
  -- Names the content: equal hashes are equal documents.
  hash       varchar(64) NOT NULL,
  reason     text,
  author     text NOT NULL,
  created_at timestamptz NOT NULL,
  -- Of the runtime scope: when it is emptied.
  expires_at timestamptz,
  PRIMARY KEY (scope, scope_id, version)
);

-- The version in force. Its row is what writers of a scope wait for.
CREATE TABLE config_heads (
  scope    varchar(16) NOT NULL,
  scope_id varchar(128) NOT NULL,
  -- 0: never written, which is an empty layer.
  version  bigint NOT NULL,
  PRIMARY KEY (scope, scope_id)
);
-- Whoever changes what more than one agent is told holds this row.
INSERT INTO config_heads (scope, scope_id, version) VALUES ('fleet', '', 0);

-- An agent with a pin sees that version of a scope instead of its head.
CREATE TABLE config_pins (
  agent_id varchar(128) NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
  scope    varchar(16) NOT NULL,
  scope_id varchar(128) NOT NULL,
  version  bigint NOT NULL,
  PRIMARY KEY (agent_id, scope, scope_id)
);
CREATE INDEX config_pins_scope ON config_pins (scope, scope_id);

CREATE TABLE config_groups (
  name        varchar(64) PRIMARY KEY,
  description text NOT NULL,
  selector    text NOT NULL,
  -- Of two groups that set the same key, the higher one wins; of equal ones, the later name.
  priority    integer NOT NULL,
  version     bigint NOT NULL,
  created_at  timestamptz NOT NULL,
  updated_at  timestamptz NOT NULL
);

INSERT INTO config_layers (scope, scope_id, version, document, hash, reason, author, created_at)
SELECT 'agent', agent_id, version, document,
       encode(sha256(convert_to(document::text, 'UTF8')), 'hex'), reason, author, created_at
FROM agent_config_versions;
INSERT INTO config_heads (scope, scope_id, version)
SELECT 'agent', agent_id, max(version) FROM agent_config_versions GROUP BY agent_id;
DROP TABLE agent_config_versions;
DROP TABLE agent_configs;

-- The specification's table: what is set for each agent by itself, one row a top-level key.
CREATE VIEW agent_configs AS
SELECT h.scope_id AS agent_id, entry.key, entry.value::text AS value, l.created_at AS updated_at
FROM config_heads h
JOIN config_layers l USING (scope, scope_id, version)
CROSS JOIN LATERAL jsonb_each(l.document) AS entry
WHERE h.scope = 'agent';

-- Secrets of every scope: the owner is the agent's id, or scope and name (`group:berlin`).
ALTER TABLE config_secrets DROP CONSTRAINT config_secrets_agent_id_fkey;
ALTER TABLE config_secrets RENAME COLUMN agent_id TO owner;
ALTER TABLE config_secrets ALTER COLUMN owner TYPE varchar(160);

-- The JSON Schema that came with the agent's package, and a name for all that the package says.
ALTER TABLE agents ADD COLUMN config_schema jsonb;
ALTER TABLE agents ADD COLUMN package_hash varchar(32)
  GENERATED ALWAYS AS (md5(default_config::text || coalesce(config_schema::text, ''))) STORED;
