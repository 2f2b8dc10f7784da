-- Rules that agents took out of service for being over their time budget, as they said last.
CREATE TABLE rules_disabled (
  agent_id       varchar(128) NOT NULL REFERENCES agents (id),
  rule_id        varchar(128) NOT NULL,
  rule_version   varchar(128) NOT NULL,
  reason         text NOT NULL,
  since          timestamptz NOT NULL,
  PRIMARY KEY (agent_id, rule_id)
);
