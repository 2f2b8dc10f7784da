/** Row types of every table, as the migrations make them. Column names are wire names. */
import type { ColumnType, Generated, GeneratedAlways, JSONColumnType } from 'kysely';

type Json<T extends object> = JSONColumnType<T, string, string>;
/** int8: read as number (safe below 2^53), written as number. */
type Int8 = ColumnType<number, number, number>;
type NullableInt8 = ColumnType<number | null, number | null, number | null>;
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
  config_layers: {
    scope: string;
    scope_id: string;
    version: Int8;
    document: Json<Record<string, unknown>>;
    hash: string;
    reason: string | null;
    author: string;
    created_at: Date;
    expires_at: Date | null;
  };
  config_heads: { scope: string; scope_id: string; version: Int8 };
  config_pins: {
    agent_id: string;
    scope: string;
    scope_id: string;
    version: Int8;
    holder: Defaulted<string | null>;
  };
  config_holds: {
    scope: string;
    scope_id: string;
    holder: string;
    version: Int8;
    pins_new: Defaulted<boolean>;
  };
  config_drafts: {
    draft_id: string;
    scope: string;
    scope_id: string;
    document: Json<Record<string, unknown>>;
    base_version: Int8;
    version: Int8;
    reason: string | null;
    author: string;
    updated_by: string;
    created_at: Date;
    updated_at: Date;
    job_id: string | null;
    returned_by: string | null;
    returned_reason: string | null;
  };
  config_draft_ends: {
    draft_id: string;
    scope: string;
    scope_id: string;
    fate: string;
    version: Int8 | null;
    job_id: string | null;
    ended_by: string;
    ended_at: Date;
  };
  config_groups: {
    name: string;
    description: string;
    selector: string;
    priority: number;
    version: Int8;
    created_at: Date;
    updated_at: Date;
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
    agent_version: Defaulted<string | null>;
    package_digest: Defaulted<string | null>;
    config_hash: Defaulted<string | null>;
  };
  rule_usage: {
    agent_id: string;
    rule_id: string;
    instance_id: string;
    hits: Int8;
    last_hit: Date | null;
    cost_ns: number | null;
    slow: Defaulted<boolean>;
    reported_at: Date;
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
    approved_by: string | null;
    approved_at: Date | null;
    signature: JSONColumnType<object | null, string | null | undefined, string | null>;
    present: Defaulted<boolean>;
    updated_at: Date;
  };
  registration_tokens: {
    token_hash: string;
    agent_id: string;
    expires_at: Date;
    used_at: Date | null;
    slot: Defaulted<number>;
  };
  agent_slots: {
    agent_id: string;
    slot: number;
    public_key: Defaulted<string | null>;
    instance_id: Defaulted<string | null>;
    epoch: Defaulted<number>;
    former: Defaulted<string[]>;
    launched: Defaulted<string | null>;
    rival: Defaulted<string | null>;
    rival_at: Defaulted<Date | null>;
    fenced_at: Defaulted<Date | null>;
    issued_at: Defaulted<number>;
  };
  broker_revocations: {
    public_key: string;
    agent_id: string | null;
    issued_up_to: Int8;
    revoked_at: Date;
    until: Date;
    burned: boolean;
    reason: string;
    pushed: Defaulted<boolean>;
  };
  broker_account: { account: string; issued_at: Int8 };
  agent_findings_topics: { agent_id: string; topic: string; issued_at: Date };
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
    /** Null: signs in through a provider. */
    password_hash: string | null;
    password_short: Defaulted<boolean>;
    roles: string[];
    disabled_at: Defaulted<Date | null>;
    issuer: Defaulted<string | null>;
    subject: Defaulted<string | null>;
    last_login_at: Defaulted<Date | null>;
    totp_secret: Defaulted<string | null>;
    totp_proposed: Defaulted<string | null>;
    totp_step: ColumnType<number | null, number | null | undefined, number | null>;
    created_at: Date;
    updated_at: Date;
  };
  recovery_codes: { user_id: string; code_hash: string };
  sessions: {
    id: string;
    user_id: string;
    created_at: Date;
    expires_at: Date;
    last_used_at: Date;
    remote: string | null;
    user_agent: string | null;
    revoked_at: Date | null;
  };
  refresh_tokens: {
    token_hash: string;
    session_id: string;
    expires_at: Date;
    used_at: Date | null;
    used_by: Defaulted<string | null>;
    successor_salt: Defaulted<string | null>;
    successor_hash: Defaulted<string | null>;
  };
  access_changes: { user_id: string; changed_at: Date };
  throttle: { key: string; failures: number; blocked_until: Date; updated_at: Date };
  oidc_returns: { state_hash: string; expires_at: Date };
  roles: {
    name: string;
    description: string;
    grants: Json<object[]>;
    created_at: Date;
    updated_at: Date;
  };
  tokens: {
    token_id: string;
    kind: string;
    name: string;
    token_hash: string;
    roles: Defaulted<string[]>;
    max_uses: number | null;
    uses: Defaulted<number>;
    agent_type: string | null;
    tags: Defaulted<string[]>;
    replace: Defaulted<boolean>;
    created_by: string;
    owner_id: string | null;
    created_at: Date;
    expires_at: Date | null;
    last_used_at: Date | null;
    revoked_at: Date | null;
  };
  key_chain: { name: string; id: string; sealed: string; created_at: Date };
  config_secrets: {
    owner: string;
    secret_id: string;
    path: string;
    sealed: string;
    created_at: Date;
    draft_id: Defaulted<string | null>;
  };
  publishers: {
    key_id: string;
    name: string;
    public_key: string;
    added_by: string;
    created_at: Date;
  };
  setup_codes: { code_hash: string; created_at: Date };
  config_deliveries: {
    agent_id: string;
    desired_hash: string;
    state: string;
    since: Date;
    offered_at: Date | null;
    deadline: Date | null;
    sent_at: Date | null;
    next_send_at: Date | null;
    attempts: Defaulted<number>;
    expiries: Defaulted<number>;
    settled_at: Date | null;
    errors: Json<{ path: string; message: string }[]>;
    forced: Defaulted<boolean>;
    topics: Defaulted<string[]>;
    left_behind: Json<{ topic: string; unread: number }[]>;
  };
  config_instances: {
    agent_id: string;
    instance_id: string;
    running_hash: string | null;
    attempted_hash: string | null;
    errors: Json<{ path: string; message: string }[]>;
    interval_s: number;
    first_heard: Date;
    last_heard: Date;
    healthy_hash: string | null;
    healthy_version: number | null;
  };
  config_failures: {
    agent_id: string;
    hash: string;
    errors: Json<{ path: string; message: string }[]>;
    failed_at: Date;
  };
  jobs: {
    job_id: string;
    kind: string;
    state: string;
    reason: string;
    purpose: string | null;
    scope: string | null;
    scope_id: string | null;
    from_version: NullableInt8;
    to_version: NullableInt8;
    back_version: NullableInt8;
    action: string | null;
    arguments: JSONColumnType<Record<string, unknown> | null, string | null, string | null>;
    selector: string | null;
    plan: Json<Record<string, unknown>>;
    wave: number | null;
    deadline: Date | null;
    ends_as: string | null;
    ends_reason: string | null;
    created_by: Json<{ kind: string; id: string; name: string }>;
    retry_of: string | null;
    draft_id: string | null;
    created_at: Date;
    started_at: Date | null;
    paused_at: Date | null;
    ended_at: Date | null;
  };
  job_waves: {
    job_id: string;
    wave: number;
    size: string;
    state: string;
    reason: string | null;
    started_at: Date | null;
    applied_at: Date | null;
    deadline: Date | null;
    ended_at: Date | null;
    gates: JSONColumnType<object[], string | undefined, string>;
  };
  job_agents: {
    job_id: string;
    agent_id: string;
    wave: number;
    place: number;
    outcome: string;
    reason: string | null;
    before: JSONColumnType<object | null, string | null, string | null>;
    action_id: string | null;
    failed_wave: number | null;
    started_at: Date | null;
    ended_at: Date | null;
  };
  audit_log: {
    id: Generated<number>;
    at: Generated<Date>;
    actor_kind: string;
    actor: string | null;
    actor_id: string | null;
    action: string;
    object: string | null;
    outcome: string;
    details: Json<Record<string, unknown>>;
    before: unknown;
    after: unknown;
    request_id: string | null;
    personal: Defaulted<string[]>;
    key_id: string | null;
    hmac: string | null;
  };
  audit_personal: {
    audit_id: Int8;
    part: number;
    person_id: string | null;
    name: string | null;
    remote: string | null;
    user_agent: string | null;
    salt: string;
  };
  audit_erased: { audit_id: Int8; part: number; erasure_id: string };
  audit_unsealed: { audit_id: Int8 };
  audit_chain: {
    seq: Int8;
    audit_id: Int8;
    verdict: string;
    prev_hash: string;
    hash: string;
    epoch: Int8;
    sealed_at: Generated<Date>;
  };
  audit_checkpoints: {
    seq: Int8;
    chain: string;
    hash: string;
    count: Int8;
    time: string;
    key_id: string;
    signature: string;
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
  config_schema: JSONColumnType<
    Record<string, unknown> | null,
    string | null | undefined,
    string | null
  >;
  package_hash: GeneratedAlways<string>;
  config_version: Defaulted<number>;
  config_hash: string | null;
  instance_id: string | null;
  pid: number | null;
  restarts: Defaulted<number>;
  components: JSONColumnType<Record<string, unknown>, string | undefined, string>;
  created_at: Date;
  updated_at: Date;
}
