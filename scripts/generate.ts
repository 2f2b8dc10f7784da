/** Makes what is derived from the code: the OpenAPI file, the API client and the reference tables. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createClient } from '@hey-api/openapi-ts';
import { commandsPage } from '../packages/cli/src/index.ts';
import { SETTINGS, type SettingRow } from '../packages/launcher/src/index.ts';
import { ERRORS, type ErrorKind } from '../packages/protocol/src/index.ts';
import { openApi } from '../packages/server/src/doors/rest/openapi.ts';
import { BUILT_IN } from '../packages/server/src/features/access/index.ts';
import { PERMISSIONS } from '../packages/server/src/kernel/grants.ts';
import type { Operation } from '../packages/server/src/operation.ts';
import { operationTable } from '../packages/server/src/operations.ts';

const REFERENCE = 'docs/reference';
const CLIENT = 'packages/client/src/generated';
const MADE = '<!-- Made by scripts/generate.ts; do not edit. -->';

/** Writes everything into `root`, at the places it has in the repository. */
async function generate(root: string): Promise<void> {
  const reference = join(root, REFERENCE);
  mkdirSync(reference, { recursive: true });
  const operations = operationTable();
  const document = openApi(operations);
  writeFileSync(join(reference, 'openapi.json'), `${JSON.stringify(document, null, 2)}\n`);
  writeFileSync(join(reference, 'errors.md'), errorsPage());
  writeFileSync(join(reference, 'permissions.md'), permissionsPage(operations));
  writeFileSync(join(reference, 'settings.md'), settingsPage());
  writeFileSync(join(reference, 'commands.md'), commandsPage(MADE));
  await createClient({
    input: join(reference, 'openapi.json'),
    output: { path: join(root, CLIENT), module: { extension: '.ts' } },
    plugins: ['@hey-api/typescript', '@hey-api/sdk', '@hey-api/client-fetch'],
    logs: { level: 'silent', file: false },
  });
  for (const folder of ['client', 'core']) loosen(join(root, CLIENT, folder));
}

/** The generator's own run-time files are not written for our strict options; their types still hold. */
function loosen(folder: string): void {
  for (const name of readdirSync(folder)) {
    const path = join(folder, name);
    writeFileSync(path, `// @ts-nocheck\n${readFileSync(path, 'utf8')}`);
  }
}

function errorsPage(): string {
  const rows = Object.entries<ErrorKind>(ERRORS).map(
    ([code, { status, title, grpc, spec }]) =>
      `| <a id="${code}"></a>\`${code}\` | ${status} | ${title} | \`${grpc}\` | ${spec ?? ''} |`,
  );
  return page('Errors', [
    'Every error of the API is an RFC 9457 problem document, `application/problem+json`, with one of these codes. A code never changes its meaning.',
    table(['code', 'HTTP', 'title', 'gRPC', "the specification's error type"], rows),
  ]);
}

const LIMITED = { agent: 'the agent', reach: 'what is shown' } as const;

function permissionsPage(operations: readonly Operation[]): string {
  const meanings = Object.entries(PERMISSIONS).map(([permission, meaning]) => {
    const used = operations.filter((operation) => operation.permission === permission);
    return `| \`${permission}\` | ${meaning} | ${used.map(({ id }) => `\`${id}\``).join(' ')} |`;
  });
  const roles = BUILT_IN.map(({ name, description, grants }) => {
    const granted = grants.map(({ permission }) => `\`${permission}\``).join(' ');
    return `| \`${name}\` | ${description} | ${granted} |`;
  });
  const rows = operations.map(({ id, permission, rest, scope, agentOwn }) => {
    const limit = scope === undefined ? '' : LIMITED[scope];
    const own = agentOwn === undefined ? '' : 'yes';
    return `| \`${rest.method} ${rest.path}\` | \`${id}\` | \`${permission}\` | ${limit} | ${own} |`;
  });
  return page('Permissions', [
    'Everything that is not granted is denied. A grant is a permission (`agents:read`), all of a resource (`agents:*`), one action on everything (`*:read`) or everything (`*`); it may be limited to agents by id, type or tag.',
    table(['permission', 'allows', 'operations'], meanings),
    '## Built-in roles',
    table(['role', 'for', 'grants'], roles),
    '## Operations',
    '`open` needs no token, `self` any, `person` a user who has signed in. A grant limited to some agents counts where the fourth column says so: for the agent in the path, or by leaving out what it does not reach; elsewhere only an unlimited one counts.',
    table(
      ['request', 'operation', 'permission', 'a limited grant limits', 'agents, for themselves'],
      rows,
    ),
  ]);
}

function settingsPage(): string {
  const rows = Object.entries<SettingRow<unknown>>(SETTINGS).map(([name, row]) => {
    const fallback = row.fallback === undefined ? '' : `\`${row.fallback}\``;
    const later = row.later === undefined ? '' : ` (not in this version: ${row.later})`;
    return `| \`${name}\` | ${fallback} | ${row.meaning}${later} |`;
  });
  return page('Settings', [
    'Settings are environment variables, read once at the start; all errors are reported at once. Paths are relative to the folder OPMAS is started in.',
    table(['variable', 'default', 'meaning'], rows),
    'Agents: `OPMAS_AGENT_<PATH>`, with `__` between levels, is a layer of every agent’s configuration: `OPMAS_AGENT_PROCESSING__BATCH_SIZE=50`.',
  ]);
}

function page(title: string, paragraphs: readonly string[]): string {
  return `${[MADE, `# ${title}`, ...paragraphs].join('\n\n')}\n`;
}

function table(head: readonly string[], rows: readonly string[]): string {
  return [`| ${head.join(' | ')} |`, `|${head.map(() => '---|').join('')}`, ...rows].join('\n');
}

await generate(resolve(process.argv[2] ?? join(import.meta.dirname, '..')));
