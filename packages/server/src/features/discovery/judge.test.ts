/** Which folders are packages that may run, and what is said of those that may not. */
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type TempDir, tempDir } from '@opmas/testkit';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createImportLexer } from './import-lexer.ts';
import { judge, parseRules } from './judge.ts';
import { createRulesCheck } from './rules-check.ts';

const MANIFEST = `AGENT_NAME=SecurityAgent
AGENT_VERSION=1.0.0
AGENT_DESCRIPTION=Security monitoring agent
DEFAULT_SUBSCRIBED_TOPICS=logs.security,logs.auth
DEFAULT_FINDINGS_TOPIC=findings.security
`;
const RULE = { id: 'r1', name: 'R', pattern: 'x', severity: 'warning', action: 'alert' };

const lexer = createImportLexer();
const rulesCheck = createRulesCheck();
afterAll(() => Promise.all([lexer.rest(), rulesCheck.rest()]));
let temp: TempDir;
let folder: string;
beforeEach(() => {
  temp = tempDir('judge');
  folder = join(temp.path, 'agents', 'security_agent');
  write('.env.discovery', MANIFEST);
  write('agent.ts', "import { defineAgent } from '@opmas/sdk';\nexport default defineAgent({});\n");
});
afterEach(() => temp.remove());

function write(path: string, content: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), content);
}
const install = (at: string, name: string) =>
  mkdirSync(join(at, 'node_modules', name), { recursive: true });
const judged = () =>
  judge({
    dir: folder,
    origin: folder,
    folder: 'security_agent',
    sdkVersion: '1.0.0',
    lexer,
    rulesCheck,
  });
const faults = async () => {
  const result = await judged();
  return result.ok ? [] : result.errors;
};
const codes = async () => (await faults()).map((fault) => fault.code);

describe('entry and rules', () => {
  test('an agent.ts makes a code agent, with the rules of rules.json as its defaults', async () => {
    write('rules.json', JSON.stringify([RULE]));
    expect(await judged()).toMatchObject({ ok: true, content: { entry: 'code', rules: [RULE] } });
  });

  test('only rules.json makes a rules agent', async () => {
    rmSync(join(folder, 'agent.ts'));
    write('rules.json', JSON.stringify([RULE]));
    expect(await judged()).toMatchObject({ ok: true, content: { entry: 'rules' } });
  });

  test('neither is a fault', async () => {
    rmSync(join(folder, 'agent.ts'));
    expect(await codes()).toEqual(['no_entry']);
  });

  test('a rule that is wrong is named by its index and field', () => {
    const list = [
      RULE,
      { ...RULE, id: 'r2', severity: 'fatal' },
      { ...RULE, id: 'r3', extra: 1 },
      RULE,
    ];
    const { errors } = parseRules(Buffer.from(JSON.stringify(list)));
    expect(errors.map((fault) => fault.message)).toEqual([
      'rules.json[1].severity: must be one of info, warning, error, critical',
      'rules.json[2]: unknown field extra',
      'rules.json[3].id: "r1" is also the id of [0]',
    ]);
  });

  test('rules whose examples do not come out are refused, each example by its place', async () => {
    const examples = { match: [RULE.pattern, 'something else'], no_match: [] };
    write('rules.json', JSON.stringify([RULE, { ...RULE, id: 'r2', examples }]));
    expect(await faults()).toEqual([
      {
        code: 'invalid_rules',
        message:
          'rules.json[1].examples.match.1 (rule r2): should match "something else" and does not',
      },
    ]);
  });

  test.each([
    ['{}'],
    ['[1]'],
    ['['],
    ['null'],
    ['[null]'],
    ['\uFEFF,'],
    ['[{"__proto__":{}}]'],
    ['['.repeat(100_000)],
  ])('rules.json %.20j is refused', (text) => {
    expect(parseRules(Buffer.from(text)).errors.map((f) => f.code)).toContain('invalid_rules');
  });
});

describe('imports', () => {
  test('relative files, built-ins, the host\u2019s packages and type imports need no installation', async () => {
    write(
      'agent.ts',
      `import { defineAgent } from '@opmas/sdk';
import { readFile } from 'node:fs/promises';
import path from 'path';
import type { X } from 'not-installed';
import { a } from './lib/a.ts';
export default defineAgent({});
`,
    );
    write('lib/a.ts', "export * from '../lib/b.js';\n");
    write('lib/b.js', "import '../lib/a.ts';\nexport const a = 1;\n");
    expect(await codes()).toEqual([]);
  });

  test('a package that is not installed is named with the line to type, wherever it is imported', async () => {
    write('agent.ts', "import './lib/a.ts';\n");
    write(
      'lib/a.ts',
      "import '@scope/tool/sub';\n\nimport nope from 'nope';\nimport 'nope/again';\n",
    );
    expect(await faults()).toEqual([
      {
        code: 'dependencies_missing',
        line: 1,
        message: `lib/a.ts:1: imports @scope/tool, which is not installed: cd ${folder} && npm install @scope/tool`,
      },
      {
        code: 'dependencies_missing',
        line: 3,
        message: `lib/a.ts:3: imports nope, which is not installed: cd ${folder} && npm install nope`,
      },
    ]);
  });

  test('installed in the package and in one folder above, both are linked', async () => {
    write('agent.ts', "import 'own';\nimport 'outer';\n");
    install(folder, 'own');
    install(temp.path, 'outer');
    expect(await judged()).toMatchObject({
      ok: true,
      links: {
        modules: join(folder, 'node_modules'),
        outerModules: join(temp.path, 'node_modules'),
      },
    });
  });

  test.each([
    ["import '../other/agent.ts'", 'import_outside'],
    ["import './../../x.ts'", 'import_outside'],
    ["import '/etc/passwd'", 'import_outside'],
    ["import 'file:///etc/passwd'", 'import_outside'],
    ["import 'https://example.com/x.js'", 'import_outside'],
    ["import 'data:text/javascript,1'", 'import_outside'],
    ["import './a%2fb.ts'", 'import_outside'],
    ["import '..'", 'import_outside'],
    ["import 'a\\\\..\\\\b'", 'import_outside'],
    ["import './gone.ts'", 'import_missing'],
    ["import './lib'", 'import_missing'],
    ['enum X { A }', 'syntax'],
    ['export default ;', 'syntax'],
  ])('%s is %s', async (source, code) => {
    write('lib/a.ts', '');
    write('agent.ts', `\n${source};\n`);
    expect(await faults()).toMatchObject([{ code, line: 2 }]);
  });

  test('an import without its ending is told what to write', async () => {
    write('lib/a.ts', '');
    write('agent.ts', "import './lib/a';\n");
    expect((await faults())[0]?.message).toBe(
      'agent.ts:1: imports "./lib/a", which is no file of the package: write "lib/a.ts"',
    );
  });

  test('a folder with a quote and a space in its path gives a line that can be typed', async () => {
    folder = join(temp.path, "it's here", 'security_agent');
    write('.env.discovery', MANIFEST);
    write('agent.ts', "import 'nope';\n");
    expect((await faults())[0]?.message).toContain(
      `cd '${temp.path}/it'\\''s here/security_agent' && npm install nope`,
    );
  });
});

describe('dependencies', () => {
  test.each([
    ['opmas-base-agent>=1.0.0,nats-py>=2.3.1', [], ['unknown_dependency']],
    ['opmas-base-agent==1.0.0', [], []],
    ['opmas-base-agent~=1.0', [], []],
    ['@opmas/sdk ^1.0.0', [], []],
    ['opmas-base-agent', [], []],
    ['opmas-base-agent>=2.0.0', ['dependency_unsatisfied'], []],
    ['opmas-base-agent>=x.y', ['invalid_dependency'], []],
  ])('%s', async (dependencies, errors, warnings) => {
    write('.env.discovery', `${MANIFEST}AGENT_DEPENDENCIES=${dependencies}\n`);
    const result = await judged();
    expect((result.ok ? [] : result.errors).map((fault) => [fault.code, fault.line])).toEqual(
      errors.map((code) => [code, 6]),
    );
    expect(result.warnings.map((fault) => fault.code)).toEqual(warnings);
  });
});

describe('what is not a plain file is not read', () => {
  test.each(['agent.ts', '.env.discovery', 'rules.json'])('%s as a link', async (name) => {
    rmSync(join(folder, name), { force: true });
    symlinkSync('/etc/hostname', join(folder, name));
    expect(await codes()).toContain('symlink');
  });

  test('a discovery file of 10 MB', async () => {
    write('.env.discovery', `AGENT_NAME=${'x'.repeat(10 * 1024 * 1024)}`);
    expect(await codes()).toContain('too_large');
  });
});
