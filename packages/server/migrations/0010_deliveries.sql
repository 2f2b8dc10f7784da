-- What each agent was told to run, what its instances say they run, and which configurations failed on it.

CREATE TABLE config_deliveries (
  agent_id       varchar(128) PRIMARY KEY REFERENCES agents (id),
  desired_hash   varchar(64) NOT NULL,
  state          varchar(10) NOT NULL CHECK (state IN ('pending', 'applied', 'rejected', 'expired')),
  -- When this hash became the desired one, or was taken up again.
  since          timestamptz NOT NULL,
  -- Null: not told yet (it waits for its turn, or the agent does not run).
  offered_at     timestamptz,
  deadline       timestamptz,
  sent_at        timestamptz,
  next_send_at   timestamptz,
  attempts       integer NOT NULL DEFAULT 0,
  -- Deadlines that passed since the hash was set.
  expiries       integer NOT NULL DEFAULT 0,
  settled_at     timestamptz,
  errors         jsonb NOT NULL DEFAULT '[]',
  -- Somebody asked for another try: the agent is told to forget that it failed.
  forced         boolean NOT NULL DEFAULT false,
  -- Topics whose consumers were made for the agent and not taken away.
  topics         text[] NOT NULL DEFAULT '{}',
  left_behind    jsonb NOT NULL DEFAULT '[]'
);
CREATE INDEX config_deliveries_pending ON config_deliveries (next_send_at) WHERE state = 'pending';

-- One row for each instance that was heard; '' for one that gives no id.
CREATE TABLE config_instances (
  agent_id       varchar(128) NOT NULL REFERENCES agents (id),
  instance_id    varchar(64) NOT NULL,
  running_hash   varchar(64),
  attempted_hash varchar(64),
  errors         jsonb NOT NULL DEFAULT '[]',
  interval_s     double precision NOT NULL,
  first_heard    timestamptz NOT NULL,
  last_heard     timestamptz NOT NULL,
  PRIMARY KEY (agent_id, instance_id)
);

-- Hashes that are not offered to an agent again until somebody asks for it.
CREATE TABLE config_failures (
  agent_id  varchar(128) NOT NULL REFERENCES agents (id),
  hash      varchar(64) NOT NULL,
  errors    jsonb NOT NULL,
  failed_at timestamptz NOT NULL,
  PRIMARY KEY (agent_id, hash)
);
