/** `opmas init agent NAME`: a package that passes its own test at once. */
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DOMAINS } from '@opmas/protocol';
import { AgentError } from '../errors.ts';

const NAME = /^[a-z][a-z0-9]*(?:_[a-z0-9]+)*$/;
const TEMPLATE = fileURLToPath(new URL('../../../../agents/_template', import.meta.url));

export interface ScaffoldOptions {
  /** snake_case, as the folder will be called; the ending `_agent` is advised. */
  name: string;
  /** The agents directory. */
  dir: string;
  /** `code`: with an `agent.ts`; `rules`: only `rules.json`, run by the built-in rules agent. */
  kind: 'code' | 'rules';
  /** Domain of the log topic; the agent's type when that is a known domain, else `system`. */
  domain?: string;
}

export interface Scaffolded {
  path: string;
  agentName: string;
  agentType: string;
  topic: string;
  files: string[];
}

/** The names that follow from a package's name. @throws {AgentError} OPMAS_INVALID_FORMAT */
export function agentNames(name: string): { agentName: string; agentType: string } {
  if (!NAME.test(name) || name.length > 64) {
    throw new AgentError(
      'OPMAS_INVALID_FORMAT',
      `${JSON.stringify(name.slice(0, 80))} is no package name: snake_case, starting with a letter, at most 64 characters, as door_agent`,
    );
  }
  const agentName = name.replace(/(?:^|_)([a-z0-9])/g, (_all, letter: string) =>
    letter.toUpperCase(),
  );
  return { agentName, agentType: name.replace(/(?<=.)_agent$/, '') };
}

/**
 * Writes the package `<dir>/<name>`.
 * @throws {AgentError} OPMAS_INVALID_FORMAT for a bad name or domain, OPMAS_CONFLICT when it exists
 */
export function scaffoldAgent(options: ScaffoldOptions): Scaffolded {
  const { agentName, agentType } = agentNames(options.name);
  const known: readonly string[] = DOMAINS;
  const domain = options.domain ?? (known.includes(agentType) ? agentType : 'system');
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(domain)) {
    throw new AgentError('OPMAS_INVALID_FORMAT', `${JSON.stringify(domain)} is no log domain`);
  }
  const path = resolve(options.dir, options.name);
  if (existsSync(path)) {
    throw new AgentError('OPMAS_CONFLICT', `${path} exists: choose another name or delete it`);
  }
  mkdirSync(path, { recursive: true });
  try {
    cpSync(TEMPLATE, path, { recursive: true });
    if (options.kind === 'rules') makeRulesOnly(path);
    const names = {
      AGENT_NAME: agentName,
      AGENT_TYPE: agentType,
      PACKAGE: options.name,
      DOMAIN: domain,
    };
    for (const file of filesOf(path)) fill(file, names);
    if (!resolvesFrom(path)) writeFileSync(join(path, 'vitest.config.mjs'), outsideConfig());
  } catch (error) {
    rmSync(path, { recursive: true, force: true });
    throw error;
  }
  const files = filesOf(path).map((file) => file.slice(path.length + 1));
  return { path, agentName, agentType, topic: `logs.${domain}`, files: files.toSorted() };
}

function makeRulesOnly(path: string): void {
  rmSync(join(path, 'agent.ts'));
  const test = join(path, 'tests', 'agent.test.ts');
  const text = readFileSync(test, 'utf8')
    .replace("import agent from '../agent.ts';\n", '')
    .replace(
      'import { testAgent }',
      "import { BaseAgent as agent } from '@opmas/sdk';\nimport { testAgent }",
    )
    .replace(/\ntest\('lines of ignored[^]*$/, '');
  writeFileSync(test, text);
  const readme = join(path, 'README.md');
  writeFileSync(
    readme,
    readFileSync(readme, 'utf8')
      .replace(/^\| `agent\.ts`.*\n/m, '')
      .replace(/\nOwn settings:.*\n/, ''),
  );
}

function fill(file: string, names: Readonly<Record<string, string>>): void {
  let text = readFileSync(file, 'utf8');
  for (const [name, value] of Object.entries(names)) text = text.replaceAll(`__${name}__`, value);
  writeFileSync(file, text);
}

function filesOf(dir: string): string[] {
  return readdirSync(dir, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** Would `import '@opmas/sdk'` find the SDK from here without help? */
function resolvesFrom(dir: string): boolean {
  try {
    createRequire(join(dir, 'package.json')).resolve('@opmas/sdk');
    return true;
  } catch {
    return false;
  }
}

/** Tests outside the checkout find the SDK of the OPMAS that made the package. */
function outsideConfig(): string {
  const at = (path: string) => JSON.stringify(fileURLToPath(new URL(path, import.meta.url)));
  return `// Made for this machine: lets the tests find OPMAS. Not needed to run the agent.
export default {
  resolve: {
    alias: [
      { find: /^@opmas\\/sdk\\/testing$/, replacement: ${at('../testing/index.ts')} },
      { find: /^@opmas\\/sdk$/, replacement: ${at('../index.ts')} },
    ],
  },
};
`;
}
