-- What is kept secret: sealed under the master key, which is not in the database.

CREATE TABLE key_chain (
  name       varchar(32) NOT NULL,
  id         varchar(36) NOT NULL,
  sealed     text NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (name, id)
);
CREATE INDEX key_chain_sealed ON key_chain (left(sealed, 12));

-- Secret values of configurations; configurations and their versions hold the id alone. A row is never
-- changed but by a rotation of the master key, so an old version keeps the value it had.
CREATE TABLE config_secrets (
  agent_id   varchar(128) NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
  secret_id  varchar(36) NOT NULL,
  path       text NOT NULL,
  sealed     text NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (agent_id, secret_id)
);
CREATE INDEX config_secrets_sealed ON config_secrets (left(sealed, 12));
