-- Where the events of agents come from, and in what rhythm.

-- One row for each topic ('' as host) and each host in it, as the agent said last, over its restarts.
CREATE TABLE event_sources (
  agent_id       varchar(128) NOT NULL REFERENCES agents (id),
  topic          varchar(640) NOT NULL,
  host           varchar(255) NOT NULL,
  first_at       timestamptz NOT NULL,
  last_at        timestamptz NOT NULL,
  -- Different seconds in which it was heard: of instances that are gone, and of the one that speaks.
  beats_before   bigint NOT NULL DEFAULT 0,
  beats          bigint NOT NULL,
  instance_id    varchar(64) NOT NULL,
  -- Seconds.
  longest_gap    double precision NOT NULL,
  PRIMARY KEY (agent_id, topic, host)
);
CREATE INDEX event_sources_last ON event_sources (last_at);

-- Up to when an agent has said what it heard: nobody is silent because the agent was.
CREATE TABLE event_sources_until (
  agent_id       varchar(128) PRIMARY KEY REFERENCES agents (id),
  until          timestamptz NOT NULL
);
