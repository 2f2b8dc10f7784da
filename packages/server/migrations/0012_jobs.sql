-- Jobs: changes to many agents in waves, with gates between them and an outcome for every agent.

CREATE TABLE jobs (
  job_id       uuid PRIMARY KEY,
  kind         varchar(16) NOT NULL CHECK (kind IN ('rollout', 'rollback', 'action')),
  state        varchar(16) NOT NULL CHECK (state IN ('pending', 'running', 'paused', 'rolling_back',
                 'succeeded', 'failed', 'cancelled', 'rolled_back', 'expired')),
  reason       text NOT NULL,
  purpose      text,
  -- Of rollouts: the layer, its version before, the new one, and the one it went back by.
  scope        varchar(16) CHECK (scope IN ('fleet', 'group')),
  scope_id     varchar(128),
  from_version bigint,
  to_version   bigint,
  back_version bigint,
  action       varchar(16),
  arguments    jsonb,
  selector     text,
  -- Gates, what happens when one closes, seconds of a wave.
  plan         jsonb NOT NULL,
  -- The wave in progress, from 1.
  wave         integer,
  deadline     timestamptz,
  -- While it goes back: the state it will end in, and why.
  ends_as      varchar(16),
  ends_reason  text,
  created_by   jsonb NOT NULL,
  retry_of     uuid,
  created_at   timestamptz NOT NULL,
  started_at   timestamptz,
  paused_at    timestamptz,
  ended_at     timestamptz,
  -- Nothing is ever under way without a time at which it ends.
  CHECK ((ended_at IS NULL) = (deadline IS NOT NULL)),
  CHECK ((ended_at IS NULL) = (state IN ('pending', 'running', 'paused', 'rolling_back')))
);
CREATE INDEX jobs_newest ON jobs (created_at DESC, job_id DESC);
CREATE INDEX jobs_open ON jobs (created_at) WHERE ended_at IS NULL;

CREATE TABLE job_waves (
  job_id     uuid NOT NULL REFERENCES jobs (job_id) ON DELETE CASCADE,
  wave       integer NOT NULL,
  size       varchar(16) NOT NULL,
  state      varchar(16) NOT NULL CHECK (state IN ('pending', 'running', 'watching', 'passed', 'closed')),
  reason     text,
  started_at timestamptz,
  applied_at timestamptz,
  deadline   timestamptz,
  ended_at   timestamptz,
  gates      jsonb NOT NULL DEFAULT '[]',
  PRIMARY KEY (job_id, wave)
);

CREATE TABLE job_agents (
  job_id      uuid NOT NULL REFERENCES jobs (job_id) ON DELETE CASCADE,
  agent_id    varchar(128) NOT NULL REFERENCES agents (id) ON DELETE CASCADE,
  wave        integer NOT NULL,
  -- Its turn within the job.
  place       integer NOT NULL,
  outcome     varchar(16) NOT NULL CHECK (outcome IN ('pending', 'running', 'done', 'failed',
                'expired', 'skipped', 'rolled_back')),
  reason      text,
  -- How it was before its turn came: what failed then already is not held against the change.
  before      jsonb,
  action_id   uuid,
  -- The wave that was in progress when it failed.
  failed_wave integer,
  started_at  timestamptz,
  ended_at    timestamptz,
  PRIMARY KEY (job_id, agent_id)
);
CREATE INDEX job_agents_outcome ON job_agents (job_id, outcome);
CREATE INDEX job_agents_agent ON job_agents (agent_id);

-- Layers under rollout: only the holder writes them, and agents that are new begin with `version`.
CREATE TABLE config_holds (
  scope     varchar(16) NOT NULL,
  scope_id  varchar(128) NOT NULL,
  holder    uuid NOT NULL,
  version   bigint NOT NULL,
  -- False once everybody follows the head.
  pins_new  boolean NOT NULL DEFAULT true,
  PRIMARY KEY (scope, scope_id)
);

-- Whose pin it is; it gives way when the layer is written and nobody holds it.
ALTER TABLE config_pins ADD COLUMN holder uuid;
