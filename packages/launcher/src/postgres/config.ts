/** The embedded PostgreSQL's configuration: small machine, one socket, passwords only. */

export interface PostgresConfig {
  socketDir: string;
  port: number;
  /** Tests trade power-loss safety for speed; nothing else may. */
  durable: boolean;
  maxConnections: number;
}

/** The whole of postgresql.conf; rewritten at every start, so it is never edited by hand. */
export function postgresConf({ socketDir, port, durable, maxConnections }: PostgresConfig): string {
  const settings: Record<string, string> = {
    listen_addresses: quoted(''),
    port: String(port),
    // A list: the one entry is quoted again, or a comma or space in a path would split it.
    unix_socket_directories: quoted(`"${socketDir.replaceAll('"', '""')}"`),
    unix_socket_permissions: '0700',
    max_connections: String(maxConnections),
    password_encryption: quoted('scram-sha-256'),
    shared_buffers: quoted('64MB'),
    effective_cache_size: quoted('512MB'),
    work_mem: quoted('8MB'),
    maintenance_work_mem: quoted('64MB'),
    max_wal_size: quoted('512MB'),
    min_wal_size: quoted('80MB'),
    checkpoint_timeout: quoted('10min'),
    max_worker_processes: '4',
    max_parallel_workers_per_gather: '1',
    max_wal_senders: '0',
    wal_level: 'minimal',
    io_workers: '2',
    jit: 'off',
    huge_pages: 'off',
    timezone: quoted('UTC'),
    log_timezone: quoted('UTC'),
    log_destination: quoted('stderr'),
    logging_collector: 'off',
    log_line_prefix: quoted('%m [%p] %q%u@%d '),
    log_checkpoints: 'off',
    log_min_messages: 'warning',
    log_min_error_statement: 'panic', // statements may hold what must not be in a log
    log_parameter_max_length_on_error: '0',
    cluster_name: quoted('opmas'),
  };
  if (!durable) Object.assign(settings, { fsync: 'off', full_page_writes: 'off' });
  const lines = Object.entries(settings).map(([name, value]) => `${name} = ${value}`);
  return `# Written by OPMAS at every start. Do not edit.\n${lines.join('\n')}\n`;
}

export const PG_HBA = `# Written by OPMAS at every start. Do not edit.
local all all scram-sha-256
`;

function quoted(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
