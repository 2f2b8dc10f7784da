/** Row types of every table, as the migrations make them. Column names are wire names. */
import type { ColumnType, Generated, JSONColumnType } from 'kysely';

type Json<T extends object> = JSONColumnType<T, string, string>;
/** int8: read as number (safe below 2^53), written as number. */
type Int8 = ColumnType<number, number, number>;
type Defaulted<T> = ColumnType<T, T | undefined, T>;

export interface Tables {
  hosts: {
    id: string;
    hostname: string;
    boot_id: string;
    started_at: Date;
    last_report: Date;
  };
  agents: AgentsTable;
  agent_liveness: {
    agent_id: string;
    last_heartbeat: Date;
    status: string;
    uptime: number;
    instance_id: string | null;
    config_version: number | null;
    config_hash: string | null;
  };
  agent_counters: { agent_id: string; findings: Int8 };
  agent_configs: { agent_id: string; key: string; value: string; updated_at: Date };
  agent_config_versions: {
    agent_id: string;
    version: Int8;
    document: Json<Record<string, unknown>>;
    reason: string | null;
    author: string;
    created_at: Date;
  };
  agent_metrics: {
    agent_id: string;
    name: string;
    value: number;
    timestamp: Date;
    instance_id: string | null;
    recorded_at: Generated<Date>;
  };
  agent_logs: {
    id: string;
    agent_id: string;
    level: string;
    message: string;
    timestamp: Date;
    context: Json<Record<string, unknown>>;
    instance_id: string | null;
    recorded_at: Generated<Date>;
  };
  telemetry_keys: { message_key: string; recorded_at: Date };
  findings: {
    finding_id: string;
    agent_id: string;
    agent_name: string;
    topic: string;
    type: string;
    severity: string;
    status: Defaulted<string>;
    timestamp: Date;
    recorded_at: Date;
    description: string;
    details: Json<Record<string, unknown>>;
  };
  finding_keys: { finding_id: string; recorded_at: Date };
  outbox: {
    id: Generated<number>;
    kind: string;
    data: Json<object>;
    created_at: Generated<Date>;
  };
  leases: { name: string; holder: string; epoch: Int8; expires_at: Date };
  packages: {
    path: string;
    folder: string;
    name: string | null;
    version: string | null;
    digest: string | null;
    state: string;
    errors: Json<object[]>;
    warnings: Json<object[]>;
    manifest: JSONColumnType<object | null, string | null, string | null>;
    agent_id: string | null;
    approved_digest: string | null;
    present: Defaulted<boolean>;
    updated_at: Date;
  };
  registration_tokens: {
    token_hash: string;
    agent_id: string;
    expires_at: Date;
    used_at: Date | null;
  };
  credential_nonces: { agent_id: string; nonce: string; expires_at: Date };
  actions: {
    action_id: string;
    agent_id: string;
    command: string;
    state: string;
    reason: string | null;
    generation: Int8;
    created_by: string;
    created_at: Date;
    deadline: Date;
  };
  users: {
    id: string;
    username: string;
    password_hash: string;
    roles: string[];
    created_at: Date;
    updated_at: Date;
  };
  sessions: {
    id: string;
    user_id: string;
    created_at: Date;
    expires_at: Date;
    revoked_at: Date | null;
  };
  refresh_tokens: {
    token_hash: string;
    session_id: string;
    expires_at: Date;
    used_at: Date | null;
  };
  setup_codes: { code_hash: string; created_at: Date };
  audit_log: {
    id: Generated<number>;
    at: Generated<Date>;
    actor_kind: string;
    actor: string;
    action: string;
    object: string | null;
    outcome: string;
    details: Json<Record<string, unknown>>;
    remote: string | null;
    request_id: string | null;
  };
}

export interface AgentsTable {
  id: string;
  name: string;
  type: string;
  version: string;
  description: Defaulted<string>;
  status: string;
  reason: string | null;
  conditions: JSONColumnType<object[], string | undefined, string>;
  desired: Defaulted<string>;
  generation: Defaulted<number>;
  replicas: Defaulted<number>;
  limits: JSONColumnType<Record<string, number>, string | undefined, string>;
  tags: Defaulted<string[]>;
  host_id: string | null;
  package_path: string | null;
  package_digest: string | null;
  package_dir: string | null;
  entry: Defaulted<string>;
  subscribed_topics: Defaulted<string[]>;
  findings_topic: Defaulted<string>;
  default_config: JSONColumnType<Record<string, unknown>, string | undefined, string>;
  public_key: string | null;
  config_version: Defaulted<number>;
  config_hash: string | null;
  instance_id: string | null;
  pid: number | null;
  restarts: Defaulted<number>;
  components: JSONColumnType<Record<string, unknown>, string | undefined, string>;
  created_at: Date;
  updated_at: Date;
}
