/** Packages made to do harm: each is listed with its reason, none disturbs its neighbour, none is copied. */
import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { waitFor } from '@opmas/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Bench, discoveryBench, packageFiles } from './testing.ts';

const MANIFEST = packageFiles('x')['x/.env.discovery'] ?? '';
const withLine = (line: string) => `${MANIFEST}${line}\n`;
const replaced = (key: string, value: string) =>
  MANIFEST.replace(new RegExp(`^${key}=.*$`, 'm'), () => `${key}=${value}`);

const DISCOVERY_FILES: Record<string, [content: string | Uint8Array, code: string, line?: number]> =
  {
    nul: [replaced('AGENT_NAME', 'A\u0000B'), 'control_character', 1],
    long_line: [replaced('AGENT_DESCRIPTION', 'x'.repeat(10 * 1024 * 1024)), 'too_large'],
    proto: [withLine('__proto__=polluted'), 'unknown_key', 6],
    constructor_key: [withLine('constructor.prototype.x=1'), 'unknown_key', 6],
    command: [replaced('AGENT_NAME', '$(touch /tmp/opmas-pwned)'), 'invalid_name', 1],
    backticks: [replaced('AGENT_VERSION', '`id`'), 'invalid_version', 2],
    bom_twice: [`\ufeff\ufeffAGENT_TYPE=x\n${MANIFEST}`, 'control_character', 1],
    duplicate: [withLine('AGENT_NAME=Other'), 'duplicate_key', 6],
    lone_cr: [replaced('AGENT_DESCRIPTION', 'a\rb'), 'control_character', 3],
    invalid_utf8: [Buffer.concat([Buffer.from(MANIFEST), Buffer.from([0xc3, 0x28])]), 'unreadable'],
    utf16: [Buffer.from(MANIFEST, 'utf16le'), 'control_character', 1],
    wildcard: [replaced('DEFAULT_SUBSCRIBED_TOPICS', 'logs.>'), 'invalid_topic', 4],
    star: [replaced('DEFAULT_SUBSCRIBED_TOPICS', '*'), 'invalid_topic', 4],
    system_topic: [
      replaced('DEFAULT_SUBSCRIBED_TOPICS', '$SYS.ACCOUNT.*.CONNECT'),
      'invalid_topic',
      4,
    ],
    control_topic: [
      replaced('DEFAULT_FINDINGS_TOPIC', 'opmas.control.SecurityAgent'),
      'invalid_topic',
      5,
    ],
    ansi: [replaced('AGENT_DESCRIPTION', '\u001b[2J\u001b[31mred'), 'control_character', 3],
    html: [replaced('AGENT_NAME', '<img src=x onerror=alert(1)>'), 'invalid_name', 1],
    script_link: [withLine('AGENT_WEBSITE=javascript:alert(1)'), 'invalid_website', 6],
    path_name: [replaced('AGENT_NAME', '../../etc/passwd'), 'invalid_name', 1],
    empty: ['', 'missing_field'],
    'bad folder': [withLine('AGENT_TYPE=x'), 'invalid_folder'],
    'bad type': [MANIFEST, 'invalid_type'],
  };

/** Folders that are wrong by what they hold; each starts as a valid package. */
const FOLDERS: Record<string, [(path: string) => void, code: string]> = {
  linked_code: [(p) => symlinkSync('/etc/hostname', join(p, 'helper.ts')), 'symlink'],
  fifo: [(p) => execFileSync('mkfifo', [join(p, 'pipe')]), 'special_file'],
  hard_link: [(p) => linkSync(join(p, '..', '..', 'outside'), join(p, 'inside')), 'hard_link'],
  twins: [(p) => writeFileSync(join(p, 'Agent.ts'), ''), 'case_twins'],
  deep: [
    (p) => mkdirSync(join(p, ...Array<string>(20).fill('d')), { recursive: true }),
    'too_deep',
  ],
  nested_code: [(p) => writeFileSync(join(p, 'agent.ts'), `f(${'('.repeat(200_000)}`), 'syntax'],
  escaping_import: [
    (p) => writeFileSync(join(p, 'agent.ts'), "import '../good_agent/agent.ts'"),
    'import_outside',
  ],
  bad_rules: [(p) => writeFileSync(join(p, 'rules.json'), '['.repeat(1_000_000)), 'invalid_rules'],
};

let bench: Bench;
beforeAll(async () => {
  bench = await discoveryBench();
  for (const [folder, [content]] of Object.entries(DISCOVERY_FILES)) {
    bench.write({ ...packageFiles(folder), [`${folder}/.env.discovery`]: content });
  }
  writeFileSync(join(bench.agentsDir, '..', 'outside'), 'secret');
  for (const [folder, [make]] of Object.entries(FOLDERS)) {
    bench.write(packageFiles(folder, { name: folder }));
    make(join(bench.agentsDir, folder));
  }
  bench.write(packageFiles('linked_agent', { name: 'Linked' }));
  symlinkSync('linked_agent', join(bench.agentsDir, 'link_to_agent'));
  mkdirSync(join(bench.agentsDir, 'linked_file'));
  symlinkSync(
    '../linked_agent/.env.discovery',
    join(bench.agentsDir, 'linked_file', '.env.discovery'),
  );
  bench.write({
    ...packageFiles('good_agent', { name: 'Good' }),
    'windows_agent/.env.discovery': `\ufeff${replaced('AGENT_NAME', 'Windows').replaceAll('\n', '\r\n')}`,
    'windows_agent/agent.ts': 'export default {};\r\n',
  });
  await bench.start();
  const all = Object.keys(DISCOVERY_FILES).length + Object.keys(FOLDERS).length + 5;
  await waitFor(
    async () => {
      const { items } = await bench.discovery.list(bench.database.pool, { limit: 500 });
      return items.length === all && items.every((item) => item.state !== 'valid');
    },
    { timeoutMs: 30_000 },
  );
});
afterAll(() => bench.stop());

describe('X1 hostile discovery files', () => {
  test.each(Object.entries(DISCOVERY_FILES))(
    '%s is invalid, with its line',
    async (folder, [, code, line]) => {
      const found = await bench.package(folder);
      expect(found).toMatchObject({ state: 'invalid', agent_id: null });
      const [error] = found?.errors ?? [];
      expect([error?.code, error?.line]).toEqual([code, line]);
      expect(JSON.stringify(found)).not.toMatch(/\\u0000|\\u001b/);
    },
  );
});

describe('X2 hostile files in a package', () => {
  test.each(Object.entries(FOLDERS))('%s is invalid', async (folder, [, code]) => {
    const found = await bench.package(folder);
    expect(found).toMatchObject({ state: 'invalid', name: folder });
    expect(found?.errors.map((error) => error.code)).toContain(code);
  });

  test.each(['link_to_agent', 'linked_file'])('%s is refused as a link', async (folder) => {
    expect(await bench.package(folder)).toMatchObject({
      state: 'invalid',
      errors: [{ code: 'symlink' }],
    });
  });

  test('the neighbours run, and only they were copied', async () => {
    const running = ['good_agent', 'linked_agent', 'windows_agent'];
    for (const folder of running) expect((await bench.package(folder))?.state).toBe('running');
    expect(readdirSync(bench.storeDir).sort()).toEqual(running);
  });
});
