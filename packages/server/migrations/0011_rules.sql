-- What rules do in service, and what made each finding.

-- One row for each rule of an instance that it said something of; '' for one that gives no id, and for instances
-- that are gone. `hits` counts since the instance started.
CREATE TABLE rule_usage (
  agent_id       varchar(128) NOT NULL REFERENCES agents (id),
  rule_id        varchar(128) NOT NULL,
  instance_id    varchar(64) NOT NULL,
  hits           bigint NOT NULL,
  last_hit       timestamptz,
  -- Nanoseconds per look at an event, sampled; null: not measured yet.
  cost_ns        double precision,
  -- Over its time budget, and therefore matched by the slower matcher or not at all.
  slow           boolean NOT NULL DEFAULT false,
  reported_at    timestamptz NOT NULL,
  PRIMARY KEY (agent_id, rule_id, instance_id)
);
CREATE INDEX rule_usage_reported ON rule_usage (reported_at);

-- As the server knew them when it stored the finding; null for findings stored before.
ALTER TABLE findings ADD COLUMN agent_version text;
ALTER TABLE findings ADD COLUMN package_digest text;
ALTER TABLE findings ADD COLUMN config_hash text;
