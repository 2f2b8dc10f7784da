/** Puts a child under a parent-death signal and, for PostgreSQL under root, under another user. */
import { spawnSync } from 'node:child_process';
import { LaunchError } from '../errors.ts';

export interface Command {
  file: string;
  args: readonly string[];
}

/** PostgreSQL refuses to run as root; this is `nobody`, and nothing else is known to exist everywhere. */
export const UNPRIVILEGED_ID = 65534;

/**
 * How PostgreSQL is run.
 * `plain`: as the ordinary user we are. `namespace`: in a user namespace where root is seen as
 * nobody, so files stay root's and no folder need be opened to others. `setuid`: really as nobody.
 */
export type PostgresUser = 'plain' | 'namespace' | 'setuid';

const USER_NAMESPACE = [
  '--user',
  `--map-user=${UNPRIVILEGED_ID}`,
  `--map-group=${UNPRIVILEGED_ID}`,
] as const;

/** Finds out once, by trying, what this machine allows. */
export function postgresUser(): PostgresUser {
  if (process.getuid?.() !== 0) return 'plain';
  return works('unshare', [...USER_NAMESPACE, 'true']) ? 'namespace' : 'setuid';
}

/** The command under `user`, with the signal the kernel sends it when this process dies. */
export function asPostgres(command: Command, user: PostgresUser): Command {
  if (user === 'plain') return withDeathSignal(command, 'SIGINT');
  if (user === 'namespace') {
    // The death signal is lost on entering the namespace, so it is set inside.
    const inner = withDeathSignal(command, 'SIGINT');
    return { file: 'unshare', args: [...USER_NAMESPACE, inner.file, ...inner.args] };
  }
  if (!hasSetpriv()) {
    throw new LaunchError(
      'postgres_failed',
      'PostgreSQL does not run as root, and this machine has neither user namespaces nor setpriv.',
      'Run OPMAS as an ordinary user, install util-linux, or set OPMAS_DATABASE_URL.',
    );
  }
  const ids = [`--reuid=${UNPRIVILEGED_ID}`, `--regid=${UNPRIVILEGED_ID}`, '--clear-groups'];
  const args = [...ids, '--pdeathsig', 'INT', command.file, ...command.args];
  return { file: 'setpriv', args };
}

/** The command with a parent-death signal; unchanged where the kernel has none (not Linux). */
export function withDeathSignal(command: Command, signal: NodeJS.Signals): Command {
  if (!hasSetpriv()) return command;
  const name = signal.replace(/^SIG/, '');
  return { file: 'setpriv', args: ['--pdeathsig', name, command.file, ...command.args] };
}

let setpriv: boolean | undefined;

function hasSetpriv(): boolean {
  setpriv ??= process.platform === 'linux' && works('setpriv', ['--pdeathsig', 'TERM', 'true']);
  return setpriv;
}

function works(file: string, args: readonly string[]): boolean {
  return spawnSync(file, args, { stdio: 'ignore', timeout: 5_000 }).status === 0;
}
