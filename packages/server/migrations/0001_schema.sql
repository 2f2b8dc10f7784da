-- The specification's tables with the columns the design needs, and what identity and delivery ask for.

CREATE TABLE hosts (
  id          text PRIMARY KEY,
  hostname    text NOT NULL,
  boot_id     text NOT NULL,
  started_at  timestamptz NOT NULL,
  last_report timestamptz NOT NULL
);

CREATE TABLE agents (
  id             varchar(128) PRIMARY KEY,
  name           varchar(255) NOT NULL,
  type           varchar(64) NOT NULL,
  version        varchar(64) NOT NULL,
  description    text NOT NULL DEFAULT '',
  status         varchar(20) NOT NULL,
  reason         text,
  conditions     jsonb NOT NULL DEFAULT '[]',
  desired        varchar(20) NOT NULL DEFAULT 'running',
  generation     bigint NOT NULL DEFAULT 1,
  replicas       integer NOT NULL DEFAULT 1,
  limits         jsonb NOT NULL DEFAULT '{}',
  tags           text[] NOT NULL DEFAULT '{}',
  host_id        text,
  package_path   text,
  package_digest text,
  package_dir    text,
  entry          varchar(10) NOT NULL DEFAULT 'code',
  subscribed_topics text[] NOT NULL DEFAULT '{}',
  findings_topic text NOT NULL DEFAULT 'findings.system',
  default_config jsonb NOT NULL DEFAULT '{}',
  public_key     varchar(64),
  config_version bigint NOT NULL DEFAULT 0,
  config_hash    varchar(64),
  instance_id    text,
  pid            integer,
  restarts       integer NOT NULL DEFAULT 0,
  components     jsonb NOT NULL DEFAULT '{}',
  created_at     timestamptz NOT NULL,
  updated_at     timestamptz NOT NULL
);
-- A name belongs to one living agent: it is a subject token.
CREATE UNIQUE INDEX agents_name ON agents (name) WHERE status <> 'removed';
CREATE INDEX agents_status ON agents (status);

-- Written in batches from memory, apart from agents: heartbeats must not churn the agents table.
CREATE TABLE agent_liveness (
  agent_id       varchar(128) PRIMARY KEY REFERENCES agents (id),
  last_heartbeat timestamptz NOT NULL,
  status         text NOT NULL,
  uptime         double precision NOT NULL,
  instance_id    text,
  config_version bigint,
  config_hash    varchar(64)
) WITH (fillfactor = 70);

CREATE TABLE agent_counters (
  agent_id varchar(128) PRIMARY KEY,
  findings bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 70);

-- The database layer of an agent's configuration, one row a top-level key.
CREATE TABLE agent_configs (
  agent_id   varchar(128) NOT NULL REFERENCES agents (id),
  key        varchar(255) NOT NULL,
  value      text NOT NULL,
  updated_at timestamptz NOT NULL,
  PRIMARY KEY (agent_id, key)
);

CREATE TABLE agent_config_versions (
  agent_id   varchar(128) NOT NULL REFERENCES agents (id),
  version    bigint NOT NULL,
  document   jsonb NOT NULL,
  reason     text,
  author     text NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (agent_id, version)
);

CREATE TABLE agent_metrics (
  agent_id    varchar(128) NOT NULL,
  name        varchar(255) NOT NULL,
  value       double precision NOT NULL,
  timestamp   timestamptz NOT NULL,
  instance_id text,
  recorded_at timestamptz NOT NULL DEFAULT now()
) PARTITION BY RANGE (recorded_at);
CREATE INDEX agent_metrics_series ON agent_metrics (agent_id, name, timestamp);

CREATE TABLE agent_logs (
  id          uuid NOT NULL,
  agent_id    varchar(128) NOT NULL,
  level       varchar(10) NOT NULL,
  message     text NOT NULL,
  timestamp   timestamptz NOT NULL,
  context     jsonb NOT NULL DEFAULT '{}',
  instance_id text,
  recorded_at timestamptz NOT NULL DEFAULT now()
) PARTITION BY RANGE (recorded_at);
CREATE INDEX agent_logs_newest ON agent_logs (agent_id, timestamp DESC, id DESC);

-- Which telemetry messages were stored (<stream epoch>.<sequence>): a redelivery stores nothing twice.
CREATE TABLE telemetry_keys (
  message_key text PRIMARY KEY,
  recorded_at timestamptz NOT NULL
);
CREATE INDEX telemetry_keys_age ON telemetry_keys USING brin (recorded_at);

CREATE TABLE findings (
  finding_id  text NOT NULL,
  agent_id    varchar(128) NOT NULL,
  agent_name  text NOT NULL,
  topic       text NOT NULL,
  type        text NOT NULL,
  severity    varchar(10) NOT NULL,
  status      varchar(20) NOT NULL DEFAULT 'open',
  timestamp   timestamptz NOT NULL,
  recorded_at timestamptz NOT NULL,
  description text NOT NULL,
  details     jsonb NOT NULL,
  PRIMARY KEY (finding_id, recorded_at)
) PARTITION BY RANGE (recorded_at);
CREATE INDEX findings_newest ON findings (recorded_at DESC, finding_id DESC);
CREATE INDEX findings_agent ON findings (agent_id, recorded_at DESC);

-- Not partitioned: a partitioned table cannot hold this key, and it is what makes a finding single.
CREATE TABLE finding_keys (
  finding_id  text PRIMARY KEY,
  recorded_at timestamptz NOT NULL
);
CREATE INDEX finding_keys_age ON finding_keys USING brin (recorded_at);

CREATE TABLE outbox (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind       text NOT NULL,
  data       jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE leases (
  name       text PRIMARY KEY,
  holder     text NOT NULL,
  epoch      bigint NOT NULL,
  expires_at timestamptz NOT NULL
);

CREATE TABLE packages (
  path       text PRIMARY KEY,
  folder     text NOT NULL,
  name       text,
  version    text,
  digest     text,
  state      varchar(20) NOT NULL,
  errors     jsonb NOT NULL DEFAULT '[]',
  warnings   jsonb NOT NULL DEFAULT '[]',
  manifest   jsonb,
  agent_id   varchar(128) REFERENCES agents (id),
  approved_digest text,
  present    boolean NOT NULL DEFAULT true,
  updated_at timestamptz NOT NULL
);

CREATE TABLE registration_tokens (
  token_hash varchar(64) PRIMARY KEY,
  agent_id   varchar(128) NOT NULL REFERENCES agents (id),
  expires_at timestamptz NOT NULL,
  used_at    timestamptz
);

CREATE TABLE credential_nonces (
  agent_id   varchar(128) NOT NULL,
  nonce      text NOT NULL,
  expires_at timestamptz NOT NULL,
  PRIMARY KEY (agent_id, nonce)
);

CREATE TABLE actions (
  action_id  uuid PRIMARY KEY,
  agent_id   varchar(128) NOT NULL REFERENCES agents (id),
  command    text NOT NULL,
  state      varchar(10) NOT NULL,
  reason     text,
  generation bigint NOT NULL,
  created_by text NOT NULL,
  created_at timestamptz NOT NULL,
  deadline   timestamptz NOT NULL
);
CREATE INDEX actions_pending ON actions (agent_id) WHERE state = 'pending';

CREATE TABLE users (
  id            uuid PRIMARY KEY,
  username      text NOT NULL,
  password_hash text NOT NULL,
  roles         text[] NOT NULL,
  created_at    timestamptz NOT NULL,
  updated_at    timestamptz NOT NULL
);
CREATE UNIQUE INDEX users_username ON users (lower(username));

CREATE TABLE sessions (
  id         uuid PRIMARY KEY,
  user_id    uuid NOT NULL REFERENCES users (id) ON DELETE CASCADE,
  created_at timestamptz NOT NULL,
  expires_at timestamptz NOT NULL,
  revoked_at timestamptz
);

CREATE TABLE refresh_tokens (
  token_hash varchar(64) PRIMARY KEY,
  session_id uuid NOT NULL REFERENCES sessions (id) ON DELETE CASCADE,
  expires_at timestamptz NOT NULL,
  used_at    timestamptz
);

CREATE TABLE setup_codes (
  code_hash  varchar(64) PRIMARY KEY,
  created_at timestamptz NOT NULL
);

CREATE TABLE audit_log (
  id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at         timestamptz NOT NULL DEFAULT now(),
  actor_kind text NOT NULL,
  actor      text NOT NULL,
  action     text NOT NULL,
  object     text,
  outcome    varchar(10) NOT NULL,
  details    jsonb NOT NULL DEFAULT '{}',
  remote     text,
  request_id text
);
CREATE INDEX audit_log_newest ON audit_log (at DESC, id DESC);
