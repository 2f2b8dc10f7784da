/** What happens to a package, from the moment it is dropped into the agents directory. */
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { join } from 'node:path';
import { waitFor } from '@opmas/testkit';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { OpmasError } from '../../kernel/errors.ts';
import {
  type Bench,
  type BenchDatabase,
  benchDatabase,
  discoveryBench,
  packageFiles,
} from './testing.ts';

let database: BenchDatabase;
let bench: Bench;
beforeAll(async () => {
  database = await benchDatabase();
});
beforeEach(async () => {
  bench = await discoveryBench(database);
});
afterEach(() => bench.stop());
afterAll(() => database.stop());

const state = async (folder: string) => (await bench.package(folder))?.state;
const becomes = (folder: string, wanted: string | undefined, timeoutMs = 10_000) =>
  waitFor(async () => (await state(folder)) === wanted, {
    what: `${folder} ${wanted ?? 'unlisted'}`,
    timeoutMs,
  });
const errorsOf = async (folder: string) => (await bench.package(folder))?.errors ?? [];
/** Looks often enough for everything that was due to have happened. */
async function looks(times = 3): Promise<void> {
  for (let i = 0; i < times; i += 1) await bench.discovery.scanNow();
}
const settled = (folder: string, version: string) =>
  waitFor(async () => (await bench.package(folder))?.version === version);

describe('dropped, changed, removed', () => {
  test('a package dropped while watching is running, from its copy', async () => {
    await bench.start({ settleMs: 1_000, pollMs: 2_000 });
    await bench.discovery.scanNow();
    bench.write(packageFiles('security_agent'));
    await becomes('security_agent', 'running');
    const found = await bench.package('security_agent');
    expect(found).toMatchObject({
      name: 'SecurityAgent',
      version: '1.0.0',
      errors: [],
      warnings: [],
    });
    expect(found?.agent_id).toMatch(/^security-/);
    const [ready] = bench.ready;
    expect(ready).toMatchObject({ folder: 'security_agent', entry: 'code', approvedBy: 'auto' });
    expect(ready?.dir).toBe(join(bench.storeDir, 'security_agent', found?.digest ?? ''));
    expect(readFileSync(join(ready?.dir ?? '', 'agent.ts'), 'utf8')).toBe('export default {};\n');
  });

  test('a rules agent needs no code; its rules are the defaults', async () => {
    const { 'r_agent/agent.ts': _, ...files } = packageFiles('r_agent', { name: 'R' });
    const rule = { id: 'r', name: 'R', pattern: 'x', severity: 'info', action: 'alert' };
    bench.write({ ...files, 'r_agent/rules.json': JSON.stringify([rule]) });
    await bench.start();
    await becomes('r_agent', 'running');
    expect(bench.ready[0]).toMatchObject({ entry: 'rules', rules: [rule] });
  });

  test('a half-written package is not judged before it lies still', async () => {
    await bench.start({ settleMs: 1_500 });
    const { 'slow_agent/agent.ts': code = '', ...first } = packageFiles('slow_agent', {
      code: "import './lib/a.ts';\n",
    });
    bench.write(first);
    await looks();
    expect(await bench.package('slow_agent')).toBeUndefined();
    bench.write({ 'slow_agent/agent.ts': code });
    await looks();
    expect(await bench.package('slow_agent')).toBeUndefined();
    bench.write({ 'slow_agent/lib/a.ts': 'export {};\n' });
    await becomes('slow_agent', 'running');
    expect(bench.judged).toEqual([{ folder: 'slow_agent', state: 'valid' }]);
  });

  test('a removed folder is gone for registration and for the list; one that returns runs again', async () => {
    bench.write(packageFiles('security_agent'));
    await bench.start();
    await becomes('security_agent', 'running');
    rmSync(join(bench.agentsDir, 'security_agent'), { recursive: true });
    await becomes('security_agent', undefined);
    expect(bench.heard).toEqual(['ready security_agent 1.0.0', 'gone SecurityAgent']);
    bench.write(packageFiles('security_agent'));
    await becomes('security_agent', 'running');
    expect(bench.heard.at(-1)).toBe('ready security_agent 1.0.0');
  });

  test('replacing a folder is no removal', async () => {
    bench.write(packageFiles('security_agent'));
    await bench.start({ settleMs: 1_000 });
    await becomes('security_agent', 'running');
    rmSync(join(bench.agentsDir, 'security_agent'), { recursive: true });
    await bench.discovery.scanNow();
    bench.write(packageFiles('security_agent', { version: '1.1.0' }));
    await waitFor(() => bench.heard.includes('ready security_agent 1.1.0'));
    expect(bench.heard).toEqual(['ready security_agent 1.0.0', 'ready security_agent 1.1.0']);
  });

  test('without its discovery file a folder is no package any more', async () => {
    bench.write(packageFiles('security_agent'));
    await bench.start();
    await becomes('security_agent', 'running');
    rmSync(join(bench.agentsDir, 'security_agent', '.env.discovery'));
    await becomes('security_agent', undefined);
    expect(bench.heard.at(-1)).toBe('gone SecurityAgent');
  });

  test('a renamed folder keeps its agent', async () => {
    bench.write(packageFiles('old_agent'));
    await bench.start();
    await becomes('old_agent', 'running');
    const agent = (await bench.package('old_agent'))?.agent_id;
    renameSync(join(bench.agentsDir, 'old_agent'), join(bench.agentsDir, 'new_agent'));
    await becomes('new_agent', 'running');
    await becomes('old_agent', undefined);
    expect((await bench.package('new_agent'))?.agent_id).toBe(agent);
    expect(bench.heard.filter((line) => line.startsWith('gone'))).toEqual([]);
  });

  test('folders that are no packages are ignored', async () => {
    bench.write({
      ...packageFiles('_template'),
      ...packageFiles('.hidden'),
      'notes/README.md': 'no discovery file',
      'README.md': 'a file',
      ...packageFiles('good_agent'),
    });
    await bench.start();
    await becomes('good_agent', 'running');
    const { items } = await bench.discovery.list(bench.database.pool, {});
    expect(items.map((item) => item.path)).toEqual([join(bench.agentsDir, 'good_agent')]);
  });

  test('when the whole directory is away, nothing is gone', async () => {
    bench.write(packageFiles('security_agent'));
    await bench.start();
    await becomes('security_agent', 'running');
    renameSync(bench.agentsDir, `${bench.agentsDir}.away`);
    await looks(5);
    expect(await state('security_agent')).toBe('running');
    renameSync(`${bench.agentsDir}.away`, bench.agentsDir);
    bench.write(packageFiles('other_agent', { name: 'Other' }));
    await becomes('other_agent', 'running');
    expect(bench.heard).toEqual(['ready security_agent 1.0.0', 'ready other_agent 1.0.0']);
  });
});

describe('versions', () => {
  test('a new version is brought in', async () => {
    bench.write(packageFiles('security_agent'));
    await bench.start();
    await becomes('security_agent', 'running');
    bench.write(packageFiles('security_agent', { version: '1.1.0', code: 'export default 1;\n' }));
    await waitFor(() => bench.heard.includes('ready security_agent 1.1.0'));
    await becomes('security_agent', 'running');
  });

  test('the same version with other files is refused with its line, and the old one goes on', async () => {
    bench.write(packageFiles('security_agent'));
    await bench.start();
    await becomes('security_agent', 'running');
    bench.write({ 'security_agent/agent.ts': 'export default 2;\n' });
    await becomes('security_agent', 'invalid');
    expect(await errorsOf('security_agent')).toMatchObject([
      { code: 'version_unchanged', line: 2 },
    ]);
    await bench.start();
    await waitFor(() => bench.heard.length === 2);
    expect(bench.ready.map((pkg) => pkg.digest)).toEqual([
      bench.ready[0]?.digest,
      bench.ready[0]?.digest,
    ]);
    expect(readFileSync(join(bench.ready[1]?.dir ?? '', 'agent.ts'), 'utf8')).toBe(
      'export default {};\n',
    );
    bench.write(packageFiles('security_agent'));
    await becomes('security_agent', 'running');
  });

  test('a version under another name is another agent', async () => {
    bench.write(packageFiles('x_agent', { name: 'One' }));
    await bench.start();
    await becomes('x_agent', 'running');
    bench.write(packageFiles('x_agent', { name: 'Two', version: '2.0.0' }));
    await waitFor(() => bench.heard.includes('gone One'));
    await becomes('x_agent', 'running');
    expect(await bench.package('x_agent')).toMatchObject({ name: 'Two' });
  });

  test('a restart with everything unchanged copies nothing and tells of each package once', async () => {
    bench.write({
      ...packageFiles('a_agent', { name: 'A' }),
      ...packageFiles('b_agent', { name: 'B' }),
    });
    await bench.start();
    await becomes('a_agent', 'running');
    await becomes('b_agent', 'running');
    const prints = () =>
      readdirSync(bench.storeDir, { recursive: true })
        .map((name) => {
          const { ino, mtimeMs, ctimeMs } = lstatSync(join(bench.storeDir, String(name)));
          return [name, ino, mtimeMs, ctimeMs].join(' ');
        })
        .sort();
    const rows = () =>
      bench.database.pool.selectFrom('packages').selectAll().orderBy('path').execute();
    const before = { files: prints(), rows: await rows() };
    bench.heard.length = 0;
    await bench.start();
    await waitFor(() => bench.heard.length === 2);
    await looks();
    expect({ files: prints(), rows: await rows() }).toEqual(before);
    expect(bench.heard.sort()).toEqual(['ready a_agent 1.0.0', 'ready b_agent 1.0.0']);
  });

  test('a copy that was altered is never handed out again', async () => {
    bench.write(packageFiles('security_agent'));
    await bench.start();
    await becomes('security_agent', 'running');
    const dir = bench.ready[0]?.dir ?? '';
    rmSync(join(dir, 'agent.ts'));
    await bench.start();
    await waitFor(() => bench.ready.length === 2);
    expect(readFileSync(join(dir, 'agent.ts'), 'utf8')).toBe('export default {};\n');
  });
});

describe('what is wrong outside the package', () => {
  test('a name belongs to the package that had it first, until that one is gone', async () => {
    bench.write(packageFiles('z_agent'));
    await bench.start();
    await becomes('z_agent', 'running');
    bench.write(packageFiles('a_agent'));
    await becomes('a_agent', 'invalid');
    expect(await errorsOf('a_agent')).toEqual([
      {
        code: 'name_taken',
        line: 1,
        message: 'AGENT_NAME SecurityAgent belongs to the package z_agent; choose another',
      },
    ]);
    await bench.start();
    await looks();
    expect(await state('z_agent')).toBe('running');
    expect(await state('a_agent')).toBe('invalid');
    rmSync(join(bench.agentsDir, 'z_agent'), { recursive: true });
    await becomes('a_agent', 'running');
  });

  test('a missing dependency is named; once installed the package runs and is linked to it', async () => {
    bench.write(packageFiles('x_agent', { code: "import 'tool';\n" }));
    await bench.start();
    await becomes('x_agent', 'invalid');
    expect((await errorsOf('x_agent'))[0]?.message).toContain(
      `cd ${join(bench.agentsDir, 'x_agent')} && npm install tool`,
    );
    mkdirSync(join(bench.agentsDir, 'x_agent', 'node_modules', 'tool'), { recursive: true });
    await becomes('x_agent', 'running');
    expect(readlinkSync(join(bench.ready[0]?.dir ?? '', 'node_modules'))).toBe(
      join(bench.agentsDir, 'x_agent', 'node_modules'),
    );
  });

  test('installed above the package is noticed too', async () => {
    bench.write(packageFiles('x_agent', { code: "import 'tool';\n" }));
    await bench.start();
    await becomes('x_agent', 'invalid');
    mkdirSync(join(bench.agentsDir, '..', 'node_modules', 'tool'), { recursive: true });
    await becomes('x_agent', 'running');
  });

  test('registration that fails is tried again until it succeeds', async () => {
    bench.failures.push(new Error('broker away'), new Error('broker away'));
    bench.write(packageFiles('security_agent'));
    await bench.start();
    await becomes('security_agent', 'running');
    bench.failures.push(new Error('database away'));
    rmSync(join(bench.agentsDir, 'security_agent'), { recursive: true });
    await becomes('security_agent', undefined);
    expect(bench.heard).toEqual(['ready security_agent 1.0.0', 'gone SecurityAgent']);
  });

  test('why registration refuses is shown at the package', async () => {
    const refusal = () => new OpmasError('OPMAS_AGENT_NAME_TAKEN', 'The name is taken by hand');
    bench.failures.push(refusal(), refusal(), refusal(), refusal(), refusal());
    bench.write(packageFiles('security_agent'));
    await bench.start();
    await waitFor(async () => (await errorsOf('security_agent')).length > 0);
    expect(await bench.package('security_agent')).toMatchObject({
      state: 'valid',
      errors: [{ code: 'registration_refused', message: 'The name is taken by hand' }],
    });
    await becomes('security_agent', 'running');
    expect(await errorsOf('security_agent')).toEqual([]);
  });

  test('a package dropped while the database is away is found when it is back', async () => {
    await bench.start();
    await bench.discovery.scanNow();
    const { name, superUrl } = bench.testDatabase;
    const admin = new pg.Client({ connectionString: superUrl.replace(name, 'postgres') });
    await admin.connect();
    await admin.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS false`);
    await admin.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1', [
      name,
    ]);
    bench.write(packageFiles('security_agent'));
    await expect(bench.discovery.scanNow()).rejects.toThrow();
    await admin.query(`ALTER DATABASE ${name} ALLOW_CONNECTIONS true`);
    await admin.end();
    await becomes('security_agent', 'running');
  });
});

describe('approval', () => {
  test('by hand: waits, runs once approved, and a new version waits while the old one goes on', async () => {
    bench.write(packageFiles('security_agent'));
    await bench.start({ approval: 'manual' });
    await becomes('security_agent', 'waiting');
    await looks();
    expect(bench.heard).toEqual([]);
    await bench.discovery.approve(bench.database.pool, 'SecurityAgent', 'alice');
    bench.discovery.poke();
    await becomes('security_agent', 'running');
    expect(bench.ready[0]?.approvedBy).toBe('alice');

    bench.write(packageFiles('security_agent', { version: '2.0.0' }));
    await becomes('security_agent', 'waiting');
    await bench.start({ approval: 'manual' });
    await waitFor(() => bench.heard.length === 2);
    expect(bench.heard[1]).toBe('ready security_agent 1.0.0');
    expect(bench.ready[1]?.approvedBy).toBe('alice');

    const rejected = await bench.discovery.reject(bench.database.pool, 'security_agent');
    expect(rejected).toMatchObject({ state: 'ignored', version: '2.0.0' });
    await bench.start({ approval: 'manual' });
    await waitFor(() => bench.heard.length === 3);
    await looks();
    expect(await state('security_agent')).toBe('ignored');
    expect(bench.heard[2]).toBe('ready security_agent 1.0.0');

    bench.write(packageFiles('security_agent', { version: '3.0.0' }));
    await becomes('security_agent', 'waiting');
    await bench.discovery.approve(bench.database.pool, 'security_agent', 'bob');
    await becomes('security_agent', 'running');
    expect(bench.heard.at(-1)).toBe('ready security_agent 3.0.0');
  });

  test('a package whose agent was deleted stays ignored, also with a new version and after a restart', async () => {
    bench.write(packageFiles('security_agent'));
    await bench.start();
    await becomes('security_agent', 'running');
    await bench.discovery.ignore(join(bench.agentsDir, 'security_agent'));
    bench.heard.length = 0;
    bench.write(packageFiles('security_agent', { version: '1.1.0' }));
    await settled('security_agent', '1.1.0');
    await bench.start();
    await looks();
    expect(await bench.package('security_agent')).toMatchObject({
      state: 'ignored',
      agent_id: null,
    });
    expect(bench.heard).toEqual([]);
    await bench.discovery.approve(bench.database.pool, 'security_agent', 'alice');
    await becomes('security_agent', 'running');
    expect(bench.heard).toEqual(['ready security_agent 1.1.0']);
  });

  test('deleted and approved again before the next look, it is registered again', async () => {
    bench.write(packageFiles('security_agent'));
    await bench.start({ pollMs: 60_000 });
    await becomes('security_agent', 'running');
    const path = join(bench.agentsDir, 'security_agent');
    await bench.discovery.ignore(path);
    await bench.discovery.approve(bench.database.pool, 'security_agent', 'alice');
    bench.discovery.poke();
    await waitFor(() => bench.heard.length === 2);
  });

  test('an invalid package cannot be approved, an approved one not rejected, a taken name not given', async () => {
    bench.write({
      ...packageFiles('a_agent'),
      ...packageFiles('bad_agent', { version: 'one' }),
    });
    await bench.start();
    await becomes('a_agent', 'running');
    await becomes('bad_agent', 'invalid');
    const { pool } = bench.database;
    const { discovery } = bench;
    await expect(discovery.approve(pool, 'bad_agent', 'x')).rejects.toMatchObject({
      code: 'OPMAS_CONFLICT',
      errors: [{ path: 'invalid_version' }],
    });
    await expect(discovery.reject(pool, 'a_agent')).rejects.toMatchObject({
      code: 'OPMAS_ILLEGAL_TRANSITION',
    });
    await expect(discovery.approve(pool, 'nobody', 'x')).rejects.toMatchObject({
      code: 'OPMAS_PACKAGE_NOT_FOUND',
    });
    await discovery.reject(pool, 'bad_agent');
    bench.write(packageFiles('bad_agent', { version: '1.0.0' }));
    await settled('bad_agent', '1.0.0');
    expect(await state('bad_agent')).toBe('ignored');
    await expect(discovery.approve(pool, 'bad_agent', 'x')).rejects.toMatchObject({
      code: 'OPMAS_AGENT_NAME_TAKEN',
    });
  });

  test('a folder cannot pass for the agent of another', async () => {
    bench.write({
      ...packageFiles('real_agent', { name: 'Trusted' }),
      ...packageFiles('Trusted', { name: 'Evil' }),
    });
    await bench.start({ approval: 'manual' });
    await becomes('real_agent', 'waiting');
    await becomes('Trusted', 'waiting');
    await expect(
      bench.discovery.approve(bench.database.pool, 'Trusted', 'x'),
    ).rejects.toMatchObject({ code: 'OPMAS_CONFLICT' });
    await bench.discovery.approve(bench.database.pool, 'real_agent', 'x');
    await becomes('real_agent', 'running');
    expect(await state('Trusted')).toBe('waiting');
  });
});

test('stopping in the middle of everything leaves nothing behind', async () => {
  for (let i = 0; i < 20; i += 1) bench.write(packageFiles(`p${i}_agent`, { name: `P${i}` }));
  await bench.start();
  await waitFor(() => bench.heard.length > 0);
  await bench.discovery.stop();
  const left = existsSync(bench.storeDir) ? readdirSync(bench.storeDir) : [];
  expect(left.filter((name) => name.startsWith('.tmp-'))).toEqual([]);
  await expect(bench.discovery.scanNow()).rejects.toThrow();
});
