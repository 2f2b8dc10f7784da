/** What a hostile agent can reach: each layer is tried by itself, and both together. */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TempDir, tempDir, waitFor } from '@opmas/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Handle } from '../instance.ts';
import type { StartSpec } from '../runner.ts';
import { processRunner } from '../runners/process.ts';
import { createSandbox, type Sandbox } from './sandbox.ts';

let dir: TempDir;
let dataDir: string;
let script: string;
let spec: StartSpec;
let server: ChildProcess;
const ends: (() => Promise<void> | void)[] = [];

const SECRET = 'OPMAS_TEST_SECRET=only-the-server-knows';
const warned: object[] = [];
const log = { info: () => undefined, warn: (data: object) => void warned.push(data) };

beforeEach(async () => {
  dir = tempDir('sandbox');
  dataDir = join(dir.path, 'data dir');
  script = join(dir.path, 'program', 'attack.mjs');
  mkdirSync(join(dir.path, 'program'));
  writeFileSync(script, ATTACK);
  for (const path of [
    'keys',
    'run',
    'postgres',
    'agents/wifi-1',
    'agents/other-1',
    'packages/wifi/d',
  ]) {
    mkdirSync(join(dataDir, path), { recursive: true, mode: 0o700 });
  }
  writeFileSync(join(dataDir, 'keys', 'master.key'), 'secret', { mode: 0o600 });
  writeFileSync(join(dataDir, 'run', 'local.token'), 'secret', { mode: 0o600 });
  writeFileSync(join(dataDir, 'agents', 'other-1', 'identity.json'), 'secret', { mode: 0o600 });
  spec = {
    agent_id: 'wifi-1',
    agent_name: 'wifi',
    instance_id: 'i-1',
    package_dir: join(dataDir, 'packages', 'wifi', 'd'),
    state_dir: join(dataDir, 'agents', 'wifi-1'),
    log_file: join(dataDir, 'logs', 'wifi.log'),
    env: { OPMAS_INSTANCE_ID: 'i-1' },
    limits: {},
  };
  server = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], {
    env: { OPMAS_TEST_SECRET: 'only-the-server-knows' },
    stdio: 'ignore',
  });
  await waitFor(() => environOf(server.pid).includes(SECRET));
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  server.kill('SIGKILL');
  dir.remove();
});

function environOf(pid: number | undefined): string {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8');
  } catch {
    return '';
  }
}

/** Tries everything an agent must not do, writes down how each ended, and then does its own work. */
const ATTACK = `
import { createRequire } from 'node:module';
import fs from 'node:fs';
import { Worker } from 'node:worker_threads';
import { execFileSync } from 'node:child_process';
const [data, own, pkg, server] = JSON.parse(fs.readFileSync(process.argv[process.argv.indexOf('--package') + 1] + '/attack.json', 'utf8'));
const outcome = {};
const attempt = (name, work) => {
  try { const got = work(); outcome[name] = 'GOT ' + String(got).slice(0, 200); }
  catch (error) { outcome[name] = error.code ?? error.name; }
};
attempt('server environment', () => fs.readFileSync('/proc/' + server + '/environ', 'utf8'));
attempt('server files through proc', () => fs.readFileSync('/proc/' + server + '/root' + data + '/keys/master.key', 'utf8'));
attempt('server memory', () => fs.openSync('/proc/' + server + '/mem', 'r'));
attempt('master key', () => fs.readFileSync(data + '/keys/master.key', 'utf8'));
attempt('local token', () => fs.readFileSync(data + '/run/local.token', 'utf8'));
attempt('database folder', () => fs.readdirSync(data + '/postgres').length + ' entries');
attempt('another agent', () => fs.readFileSync(data + '/agents/other-1/identity.json', 'utf8'));
attempt('by the folder it was started in', () => fs.readFileSync('../../keys/master.key', 'utf8'));
attempt('another agent by that folder', () => fs.readFileSync('../other-1/identity.json', 'utf8'));
attempt('by a link of its own', () => { fs.symlinkSync(data + '/keys', own + '/link'); return fs.readFileSync(own + '/link/master.key', 'utf8'); });
attempt('write into its package', () => fs.writeFileSync(pkg + '/agent.ts', 'evil'));
attempt('add to its package', () => fs.writeFileSync(pkg + '/more.ts', 'evil'));
attempt('make its package writable', () => fs.chmodSync(pkg + '/agent.ts', 0o600));
attempt('write beside its folder', () => fs.writeFileSync(data + '/evil', 'evil'));
attempt('write into keys', () => fs.writeFileSync(data + '/keys/evil', 'evil'));
attempt('native add-on', () => createRequire(import.meta.url)(pkg + '/addon.node'));
attempt('worker', () => { const w = new Worker('0', { eval: true }); w.unref(); w.on('error', () => {}); return 'a worker'; });
attempt('shell', () => execFileSync('/bin/sh', ['-c', 'echo shell'], { encoding: 'utf8' }));
attempt('shell reads the key', () => execFileSync('/bin/sh', ['-c', 'cat "$0"', data + '/keys/master.key'], { encoding: 'utf8' }));
attempt('shell reads the environment', () => execFileSync('/bin/sh', ['-c', 'cat /proc/$0/environ', String(server)], { encoding: 'utf8' }));
attempt('undo the view', () => execFileSync('/bin/umount', [data], { encoding: 'utf8' }));
attempt('undo the view from namespaces of its own', () => execFileSync('/usr/bin/unshare', ['--user', '--map-root-user', '--mount', '/bin/umount', data], { encoding: 'utf8' }));
attempt('gain privileges', () => { const s = fs.readFileSync('/proc/self/status', 'utf8'); if (!/^NoNewPrivs:\\s+0$/m.test(s)) throw Object.assign(new Error(), { code: 'NO_NEW_PRIVS' }); return 'may'; });
attempt('own work', () => { fs.writeFileSync(own + '/work', 'done'); return fs.readFileSync(own + '/work', 'utf8') + fs.readFileSync(pkg + '/agent.ts', 'utf8'); });
if (fs.existsSync(pkg + '/uses.mjs')) outcome['libraries'] = 'GOT ' + (await import(pkg + '/uses.mjs')).default;
fs.writeFileSync(own + '/outcome.json', JSON.stringify(outcome));
setInterval(() => {}, 1000);
`;

async function attacked(sandbox: Sandbox): Promise<Record<string, string>> {
  const facts = [dataDir, spec.state_dir, spec.package_dir, server.pid];
  writeFileSync(join(spec.package_dir, 'attack.json'), JSON.stringify(facts));
  for (const name of ['agent.ts', 'addon.node'])
    rmSync(join(spec.package_dir, name), { force: true });
  writeFileSync(join(spec.package_dir, 'agent.ts'), '!', { mode: 0o400 });
  writeFileSync(join(spec.package_dir, 'addon.node'), 'no ELF file', { mode: 0o400 });
  const runner = processRunner({
    runnerScript: script,
    stateDir: join(dataDir, 'agents'),
    timing: { adoptPollMs: 10, killMs: 2_000 },
    sandbox,
  });
  let handle: Handle | undefined;
  await runner.start(spec, (saved) => {
    handle = saved;
    return Promise.resolve();
  });
  ends.push(async () => {
    if (handle !== undefined) await runner.stop(handle, { signal: 'SIGTERM', graceMs: 2_000 });
    runner.close();
  });
  const file = join(spec.state_dir, 'outcome.json');
  const text = await waitFor(
    () => (existsSync(file) ? readFileSync(file, 'utf8') : '') || undefined,
    {
      what: `the outcome: ${existsSync(spec.log_file) ? readFileSync(spec.log_file, 'utf8') : ''}`,
    },
  );
  return JSON.parse(text);
}

const sandboxOf = (permissions: boolean, namespaces: boolean) =>
  createSandbox({
    dataDir,
    runnerScript: script,
    log,
    layers: { permissions, namespaces },
  });

const KEPT = 'own work';
/** What was got, by name. */
const got = (outcome: Record<string, string>) =>
  Object.keys(outcome).filter((name) => outcome[name]?.startsWith('GOT'));

describe('X22 malicious package code', () => {
  it('gets nothing but its own work under both layers', async () => {
    const sandbox = await sandboxOf(true, true);
    expect(sandbox.level).toBe('namespaces');
    const outcome = await attacked(sandbox);
    expect(got(outcome)).toEqual([KEPT]);
    expect(outcome[KEPT]).toBe('GOT done!');
    expect(existsSync(join(dataDir, 'evil'))).toBe(false);
  });

  it('gets neither secrets nor privileges in its own view of the data folder, even with a shell', async () => {
    const outcome = await attacked(await sandboxOf(false, true));
    // Without Node's layer programs may be run; what they see is the same empty view.
    expect(got(outcome).sort()).toEqual(['own work', 'shell', 'worker'].sort());
    expect(existsSync(join(dataDir, 'keys', 'evil'))).toBe(false);
    expect(readFileSync(join(dataDir, 'keys', 'master.key'), 'utf8')).toBe('secret');
  });

  it('is not started where what it calls its libraries are other folders', async () => {
    const sandbox = await sandboxOf(true, true);
    const places = [
      join(spec.package_dir, 'node_modules'),
      join(spec.package_dir, '../node_modules'),
    ];
    for (const place of places) {
      for (const target of [join(dataDir, 'keys'), dataDir, '/']) {
        symlinkSync(target, place);
        await expect(attacked(sandbox)).rejects.toThrow(`${place} leads to ${target}, which`);
        rmSync(place);
      }
    }
    expect(existsSync(join(spec.state_dir, 'outcome.json'))).toBe(false);
  });

  it('sees nothing more when its author changes where the libraries lie after they were looked at', async () => {
    const modules = join(dir.path, 'author', 'node_modules');
    mkdirSync(modules, { recursive: true });
    symlinkSync(modules, join(spec.package_dir, '../node_modules'));
    const sandbox = await sandboxOf(false, true);
    const through = join(spec.package_dir, '../node_modules/master.key');
    const reads = `
      const read = (path) => { try { return require('fs').readFileSync(path, 'utf8'); } catch (e) { return e.code; } };
      console.log(JSON.stringify([read(${JSON.stringify(through)}), read(${JSON.stringify(join(spec.package_dir, 'mine'))})]));`;
    writeFileSync(join(spec.package_dir, 'mine'), 'its own');
    const { file, args } = sandbox.command(process.execPath, ['-e', reads], spec);
    rmSync(modules, { recursive: true });
    symlinkSync(join(dataDir, 'keys'), modules);
    const said = execFileSync(file, args, { encoding: 'utf8' });
    expect(JSON.parse(said)).toEqual(['ENOENT', 'its own']);
  });

  it("gets no file and starts no program under Node's permissions alone", async () => {
    const outcome = await attacked(await sandboxOf(true, false));
    expect(got(outcome)).toEqual([KEPT]);
    for (const name of ['server environment', 'master key', 'shell', 'worker']) {
      expect([name, outcome[name]]).toEqual([name, 'ERR_ACCESS_DENIED']);
    }
    expect(outcome['native add-on']).toBe('ERR_DLOPEN_DISABLED');
  });

  it('would get everything without them', async () => {
    const outcome = await attacked(await sandboxOf(false, false));
    expect(outcome['server environment']).toContain('only-the-server-knows');
    expect(outcome['master key']).toBe('GOT secret');
    expect(outcome['shell']).toContain('shell');
  });
});

describe('a confined process', () => {
  it('is adopted and stopped like any other', async () => {
    const sandbox = await sandboxOf(true, true);
    await attacked(sandbox);
    const found = processRunner({
      runnerScript: script,
      stateDir: join(dataDir, 'agents'),
      timing: { adoptPollMs: 10, killMs: 2_000 },
      sandbox,
    });
    ends.push(() => found.close());
    expect(await found.reap(new Set())).toBe(1);
  });

  it('reads libraries that are linked to its package, wherever they lie', async () => {
    for (const [name, link, target] of [
      ['own', join(spec.package_dir, 'node_modules'), join(dir.path, 'own', 'node_modules')],
      ['outer', join(spec.package_dir, '../node_modules'), join(dataDir, 'dropped/node_modules')],
    ] as const) {
      const folder = join(target, name);
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, 'index.js'), `export default '${name}';`);
      writeFileSync(join(folder, 'package.json'), '{"type":"module","exports":"./index.js"}');
      symlinkSync(target, link);
    }
    const uses = "import a from 'own'; import b from 'outer'; export default a + b;";
    writeFileSync(join(spec.package_dir, 'uses.mjs'), uses);
    const outcome = await attacked(await sandboxOf(true, true));
    expect(got(outcome)).toEqual([KEPT, 'libraries']);
    expect(outcome['libraries']).toBe('GOT ownouter');
  });

  it('says why it falls back to permissions where no namespaces can be made', async () => {
    const missing = join(dir.path, 'no such folder');
    const sandbox = await createSandbox({ dataDir: missing, runnerScript: script, log });
    expect(sandbox.level).toBe('permissions');
    expect(warned).toEqual([{ reason: expect.stringContaining('no such folder') }]);
  });
});
