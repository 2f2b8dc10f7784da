/** What an agent's process may touch: its package to read, its own folder to write, the network, and nothing else. */
import { realpathSync } from 'node:fs';
import { basename, dirname, join, sep } from 'node:path';
import type { Log } from '../link.ts';
import type { StartSpec } from '../runner.ts';
import type { Command } from './command.ts';
import { findTools, type Namespaces, namespaceCommand, probeNamespaces } from './namespaces.ts';

export interface Sandbox {
  /** What is in force: `off`, Node's permissions alone, or with a file system view of its own. */
  readonly level: 'off' | 'permissions' | 'namespaces';
  /**
   * `words`: Node's flags and script for this start.
   * @throws {Error} when the package's libraries cannot be laid open to it; the message says why
   */
  command(node: string, words: readonly string[], spec: StartSpec): Command;
}

export const noSandbox: Sandbox = {
  level: 'off',
  command: (node, words) => ({ file: node, args: [...words] }),
};

export interface SandboxOptions {
  /** Real path of the folder that holds keys, database and every agent's state. */
  dataDir: string;
  /** The script that runs an agent; it lies in the sdk. */
  runnerScript: string;
  log: Pick<Log, 'info' | 'warn'>;
  /** For tests: each layer by itself. */
  layers?: { permissions: boolean; namespaces: boolean };
}

/**
 * Looks once at what this machine allows. Node's permissions always hold: no child process, worker,
 * native add-on or WASI, and files only as listed. Where an ordinary user may make namespaces the kernel
 * holds to the same: the data folder is empty but for the agent's own two folders, other processes'
 * memory and environment are closed, and no privilege can be gained.
 */
export async function createSandbox(options: SandboxOptions): Promise<Sandbox> {
  const { dataDir, runnerScript, log } = options;
  const layers = options.layers ?? { permissions: true, namespaces: true };
  const base = layers.permissions ? programFolders(runnerScript) : [];
  const namespaces = layers.namespaces ? await usable(dataDir, log) : undefined;
  return {
    level: namespaces === undefined ? 'permissions' : 'namespaces',
    command(node, words, spec) {
      const found = linkedModules(spec.package_dir);
      const targets = found.map(({ target }) => target);
      const reads = [...base, ...found.map(({ path }) => path), ...targets];
      const flags = layers.permissions ? permissionFlags(reads, spec) : [];
      const command = { file: node, args: [...flags, ...words] };
      if (namespaces === undefined) return command;
      return namespaceCommand(namespaces, dataDir, command, {
        id: spec.agent_id,
        write: spec.state_dir,
        read: [spec.package_dir, ...targets],
        // The other one lies in the package, and is seen with it.
        link: found.find(({ path }) => !path.startsWith(spec.package_dir + sep)),
      });
    },
  };
}

async function usable(
  dataDir: string,
  log: SandboxOptions['log'],
): Promise<Namespaces | undefined> {
  const tools = findTools();
  const fault = tools.ok ? await probeNamespaces(tools.namespaces, dataDir) : tools.reason;
  if (tools.ok && fault === undefined) return tools.namespaces;
  log.warn(
    { reason: fault },
    "agents are confined by Node's permissions alone: this machine lets no namespaces be made",
  );
  return undefined;
}

function permissionFlags(reads: readonly string[], spec: StartSpec): string[] {
  const read = [...reads, spec.package_dir, spec.state_dir];
  return [
    '--permission',
    ...read.map((path) => `--allow-fs-read=${path}`),
    `--allow-fs-write=${spec.state_dir}`,
  ];
}

const MODULES = 'node_modules';

/** Where the sdk, what it stands on, and installed libraries lie. */
function programFolders(runnerScript: string): string[] {
  const script = realpathSync(runnerScript);
  const found = new Set([dirname(script)]);
  const parts = script.split(sep);
  const packages = parts.lastIndexOf('src');
  // The sdk's siblings are what it imports: packages/ of a checkout, @opmas/ of an installation.
  if (packages > 1) found.add(parts.slice(0, packages - 1).join(sep));
  for (let at = dirname(script); dirname(at) !== at; at = dirname(at)) {
    const modules = realOf(join(at, MODULES));
    if (modules !== undefined) found.add(modules);
  }
  return [...found];
}

/**
 * The package store links a package to its author's installed dependencies, in its own folder and in
 * the one above.
 * @throws {Error} for a link to anything else: its author would have us lay open what it leads to
 */
function linkedModules(packageDir: string): { path: string; target: string }[] {
  const found = [];
  for (const path of [join(packageDir, MODULES), join(dirname(packageDir), MODULES)]) {
    const target = realOf(path);
    if (target === undefined) continue;
    if (basename(target) !== MODULES) {
      throw new Error(
        `${path} leads to ${target}, which is no ${MODULES} folder: install the package's libraries there`,
      );
    }
    found.push({ path, target });
  }
  return found;
}

function realOf(path: string): string | undefined {
  try {
    return realpathSync(path);
  } catch {
    return undefined; // There is none, or it is not for us.
  }
}
