/** Makes what is derived from the code: the OpenAPI file, the API client and the reference tables. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { createClient } from '@hey-api/openapi-ts';
import { commandsPage } from '../packages/cli/src/index.ts';
import { SETTINGS, type SettingRow } from '../packages/launcher/src/index.ts';
import { ERRORS, type ErrorKind } from '../packages/protocol/src/index.ts';
import { openApi } from '../packages/server/src/doors/rest/openapi.ts';
import { allOperations, type Services } from '../packages/server/src/operations.ts';

const REFERENCE = 'docs/reference';
const CLIENT = 'packages/client/src/generated';
const MADE = '<!-- Made by scripts/generate.ts; do not edit. -->';

/** Operations use their services only when they run, and here none does. */
const NO_SERVICES = {} as Services;

/** Writes everything into `root`, at the places it has in the repository. */
async function generate(root: string): Promise<void> {
  const reference = join(root, REFERENCE);
  mkdirSync(reference, { recursive: true });
  const document = openApi(allOperations(NO_SERVICES));
  writeFileSync(join(reference, 'openapi.json'), `${JSON.stringify(document, null, 2)}\n`);
  writeFileSync(join(reference, 'errors.md'), errorsPage());
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
