/** Runs a command in user and mount namespaces of its own, made with the tools of util-linux. */
import { execFile } from 'node:child_process';
import { accessSync, constants, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join, sep } from 'node:path';
import { sandboxLimits } from '../limits.ts';
import type { Command } from './command.ts';

export interface Namespaces {
  sh: string;
  unshare: string;
  mount: string;
  setpriv: string;
  ln: string;
}

/** Below the data folder. */
const STAGE = 'run/view';
const TABLES = 'run/views';

const FOLDERS = ['/usr/bin', '/bin', '/usr/sbin', '/sbin'];

export function findTools(): { ok: true; namespaces: Namespaces } | { ok: false; reason: string } {
  if (process.platform !== 'linux') return { ok: false, reason: 'only Linux has them' };
  const missing: string[] = [];
  const find = (name: string) => {
    const path = FOLDERS.map((folder) => join(folder, name)).find(isExecutable);
    if (path === undefined) missing.push(name);
    return path ?? '';
  };
  const namespaces = {
    sh: find('sh'),
    unshare: find('unshare'),
    mount: find('mount'),
    setpriv: find('setpriv'),
    ln: find('ln'),
  };
  if (missing.length === 0) return { ok: true, namespaces };
  return { ok: false, reason: `${missing.join(', ')} not found: install util-linux and coreutils` };
}

/**
 * The new view is built aside and moved over the data folder in one step. The working folder is entered
 * anew at the end: the one inherited still lies in the old view, and `..` would lead there. Dropping the
 * bounding set makes the namespace's root an ordinary user for good.
 */
const SCRIPT = `set -eu
mount=$1 setpriv=$2 ln=$3 data=$4 table=$5 own=$6 link=$7 target=$8
shift 8
$mount -n -a -T "$table"
[ -z "$link" ] || $ln -s "$target" "$data/${STAGE}$link"
$mount -n -o remount,ro "$data/${STAGE}"
$mount -n --move "$data/${STAGE}" "$data"
cd "$own"
ulimit -c 0
ulimit -n ${sandboxLimits.openFiles} || :
exec $setpriv --no-new-privs --bounding-set=-all --inh-caps=-all "$@"`;

/** What a confined process sees of the data folder; paths are real. */
export interface View {
  /** Names its table of mounts: letters, digits, `-` and `_`. */
  id: string;
  /** Its own folder, the only one it may write. */
  write: string;
  read: readonly string[];
  /**
   * A link in the data folder that is there again, as a link: what it leads to is looked up in the view, so
   * that whoever may write there cannot have anything mounted that the view does not hold.
   */
  link?: { path: string; target: string } | undefined;
}

/** Makes the folders that views are built in, without those of earlier hosts. Once, before the first view. */
export function prepareViews(dataDir: string): void {
  rmSync(join(dataDir, TABLES), { recursive: true, force: true });
  for (const path of [TABLES, STAGE]) {
    mkdirSync(join(dataDir, path), { recursive: true, mode: 0o700 });
  }
}

/** `command` with a data folder that holds nothing but what `view` says. */
export function namespaceCommand(
  tools: Namespaces,
  dataDir: string,
  command: Command,
  view: View,
): Command {
  const { sh, unshare, mount, setpriv, ln } = tools;
  const link = view.link?.path.startsWith(dataDir + sep) === true ? view.link : undefined;
  const table = join(dataDir, TABLES, view.id);
  // Where the agent cannot reach: who writes this decides what it sees.
  writeFileSync(table, tableOf(dataDir, view), { mode: 0o600 });
  return {
    file: unshare,
    args: [
      '--user',
      '--map-root-user',
      '--mount',
      '--propagation',
      'private',
      sh,
      '-c',
      SCRIPT,
      'opmas-agent',
      mount,
      setpriv,
      ln,
      dataDir,
      table,
      view.write,
      link === undefined ? '' : link.path.slice(dataDir.length),
      link?.target ?? '',
      command.file,
      ...command.args,
    ],
  };
}

/** One table for `mount`, because every program that is started costs a millisecond. */
function tableOf(dataDir: string, { write, read }: View): string {
  const stage = join(dataDir, STAGE);
  const { viewBytes, viewEntries } = sandboxLimits;
  const rows = [['opmas', stage, 'tmpfs', `mode=0700,size=${viewBytes},nr_inodes=${viewEntries}`]];
  const bind = (path: string, options: string) => {
    if (!path.startsWith(dataDir + sep)) return;
    rows.push([path, stage + path.slice(dataDir.length), 'none', `${options},X-mount.mkdir`]);
  };
  bind(write, 'bind');
  for (const path of read) bind(path, 'bind,ro');
  return rows.map((row) => `${row.map(escaped).join(' ')} 0 0\n`).join('');
}

/** As fstab writes what would end a field. */
function escaped(field: string): string {
  return field.replace(
    /[\s\\]/g,
    (one) => `\\${(one.codePointAt(0) ?? 0).toString(8).padStart(3, '0')}`,
  );
}

/**
 * Tries the whole of it with a secret laid into the data folder.
 * @returns why it cannot be used; undefined when it holds
 */
export async function probeNamespaces(
  tools: Namespaces,
  dataDir: string,
): Promise<string | undefined> {
  const made: string[] = [];
  const make = () => {
    const path = mkdtempSync(join(dataDir, '.probe-'));
    made.push(path);
    return path;
  };
  try {
    const [secret, own] = [make(), make()];
    writeFileSync(join(secret, 'secret'), 'x');
    const test = 'test ! -e "$1" && echo x > "$2/written" && cat /proc/self/status';
    const command = { file: tools.sh, args: ['-c', test, 'probe', join(secret, 'secret'), own] };
    prepareViews(dataDir);
    const view = { id: 'probe', write: own, read: [] };
    const { file, args } = namespaceCommand(tools, dataDir, command, view);
    const answer = await run(file, args);
    if (!answer.ok) return answer.reason;
    const held = /^CapBnd:\s+0+$/m.test(answer.output) && /^NoNewPrivs:\s+1$/m.test(answer.output);
    return held ? undefined : 'privileges are not dropped';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  } finally {
    for (const path of made) rmSync(path, { recursive: true, force: true });
  }
}

function run(
  file: string,
  args: string[],
): Promise<{ ok: true; output: string } | { ok: false; reason: string }> {
  return new Promise((resolve) => {
    const options = { timeout: sandboxLimits.probeMs, maxBuffer: 64 * 1024, env: {} };
    execFile(file, args, options, (error, stdout, stderr) => {
      if (error === null) resolve({ ok: true, output: stdout });
      else
        resolve({ ok: false, reason: stderr.trim().slice(0, 400) || error.message.slice(0, 400) });
    });
  });
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
