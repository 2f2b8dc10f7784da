-- One key per slot (agent × replica), who holds it, and what the broker must no longer accept.

CREATE TABLE agent_slots (
  agent_id    varchar(128) NOT NULL REFERENCES agents (id),
  slot        integer NOT NULL,
  -- Null: unregistered; only a new enrollment gives the slot a key again.
  public_key  varchar(64) UNIQUE,
  -- The instance that may speak for the slot, and the count of those before it.
  instance_id varchar(64),
  epoch       bigint NOT NULL DEFAULT 0,
  -- Instances that held the slot before, newest first: one of them that speaks again is a second one.
  former      text[] NOT NULL DEFAULT '{}',
  -- The newest instance its host was given a launch ticket for.
  launched    varchar(64),
  -- An instance nobody has vouched for yet, and when it was first heard.
  rival       varchar(64),
  rival_at    timestamptz,
  -- When a second instance was last shut out.
  fenced_at   timestamptz,
  -- Of the newest credentials. Unix seconds, as the broker compares them.
  issued_at   bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (agent_id, slot)
);
CREATE INDEX agent_slots_fenced ON agent_slots (fenced_at) WHERE fenced_at IS NOT NULL;

INSERT INTO agent_slots (agent_id, slot, public_key, instance_id)
SELECT id, 0, public_key, instance_id FROM agents WHERE public_key IS NOT NULL AND status <> 'removed';
ALTER TABLE agents DROP COLUMN public_key;

-- What was issued for a key up to a second is refused. A burned key is never registered again, and its row
-- stays; the others go once no credentials of that time can still be good.
CREATE TABLE broker_revocations (
  public_key varchar(64) PRIMARY KEY,
  agent_id   varchar(128),
  -- Unix seconds.
  issued_up_to bigint NOT NULL,
  revoked_at timestamptz NOT NULL,
  until      timestamptz NOT NULL,
  burned     boolean NOT NULL,
  reason     text NOT NULL,
  -- False until the broker has said it took it over.
  pushed     boolean NOT NULL DEFAULT false
);
CREATE INDEX broker_revocations_due ON broker_revocations (public_key) WHERE NOT pushed;
CREATE INDEX broker_revocations_agents ON broker_revocations (revoked_at) WHERE burned;

-- The newest account claims the broker was given: their time only ever grows.
CREATE TABLE broker_account (
  account   varchar(64) PRIMARY KEY,
  issued_at bigint NOT NULL
);

-- Where an agent's credentials let it publish findings: a finding is taken from nobody else.
CREATE TABLE agent_findings_topics (
  agent_id  varchar(128) NOT NULL REFERENCES agents (id),
  topic     text NOT NULL,
  issued_at timestamptz NOT NULL,
  PRIMARY KEY (agent_id, topic)
);

ALTER TABLE registration_tokens ADD COLUMN slot integer NOT NULL DEFAULT 0;
