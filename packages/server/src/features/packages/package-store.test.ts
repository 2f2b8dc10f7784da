/** What the store of copies guarantees. */
import { spawn } from 'node:child_process';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { digestOf, RefusedPackage, readTree } from '@opmas/keyring';
import { type TempDir, tempDir, waitFor } from '@opmas/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createPackageStore, type PackageStore } from './package-store.ts';

let temp: TempDir;
let root: string;
let source: string;
let store: PackageStore;
let time = 1_700_000_000_000;
beforeEach(() => {
  temp = tempDir('store');
  root = join(temp.path, 'packages');
  source = join(temp.path, 'agents', 'x_agent');
  mkdirSync(join(source, 'lib'), { recursive: true });
  writeFileSync(join(source, 'agent.ts'), 'export {};');
  writeFileSync(join(source, 'lib', 'run.sh'), 'exit 0', { mode: 0o755 });
  store = createPackageStore(root, { now: () => time, monotonic: () => time });
});
afterEach(() => temp.remove());

async function put(content = 'export {};'): Promise<string> {
  time += 1_000;
  writeFileSync(join(source, 'agent.ts'), content);
  const staged = await store.stage(source, 'x_agent');
  await staged.commit({});
  return staged.digest;
}
const temporary = () => readdirSync(root).filter((name) => name.startsWith('.tmp-'));

test('a committed copy is whole, private, and has the digest of its original', async () => {
  const digest = await put();
  expect(digest).toBe(await store.digestOf(source));
  const dir = store.dirOf('x_agent', digest);
  expect(dir).toBe(join(root, 'x_agent', digest));
  expect(readFileSync(join(dir, 'agent.ts'), 'utf8')).toBe('export {};');
  expect(lstatSync(dir).mode & 0o777).toBe(0o700);
  expect(lstatSync(join(dir, 'agent.ts')).mode & 0o777).toBe(0o400);
  expect(lstatSync(join(dir, 'lib', 'run.sh')).mode & 0o777).toBe(0o500);
  expect(await store.verify('x_agent', digest)).toBe(true);
  expect(temporary()).toEqual([]);
});

test('an altered copy is noticed and replaced', async () => {
  const digest = await put();
  const file = join(store.dirOf('x_agent', digest), 'agent.ts');
  chmodSync(file, 0o600);
  writeFileSync(file, 'evil');
  expect(await store.verify('x_agent', digest)).toBe(false);
  expect(await put()).toBe(digest);
  expect(await store.verify('x_agent', digest)).toBe(true);
  expect(temporary()).toEqual([]);
});

test('installed dependencies are linked, and no part of the digest', async () => {
  const plain = await put();
  for (const modules of [join(source, 'node_modules'), join(temp.path, 'node_modules')]) {
    mkdirSync(modules, { recursive: true });
    writeFileSync(join(modules, 'x'), 'x');
  }
  const staged = await store.stage(source, 'x_agent');
  expect(staged.digest).toBe(plain);
  const dir = await staged.commit({
    modules: join(source, 'node_modules'),
    outerModules: join(temp.path, 'node_modules'),
  });
  expect(readlinkSync(join(dir, 'node_modules'))).toBe(join(source, 'node_modules'));
  expect(readlinkSync(join(dir, '..', 'node_modules'))).toBe(join(temp.path, 'node_modules'));
  expect(await store.verify('x_agent', plain)).toBe(true);
});

test('the three newest copies and those in use are kept', async () => {
  const digests: string[] = [];
  for (let i = 0; i < 6; i += 1) digests.push(await put(`export const x = ${i};`));
  const [first = '', , , ...newest] = digests;
  await store.prune('x_agent', new Set([first]));
  expect(readdirSync(join(root, 'x_agent')).sort()).toEqual([first, ...newest].sort());
});

test('a discarded or failed copy leaves nothing, and a killed one is cleaned away', async () => {
  await (await store.stage(source, 'x_agent')).discard();
  writeFileSync(join(source, 'AGENT.ts'), '');
  await expect(store.stage(source, 'x_agent')).rejects.toThrow(/differ in case/);
  expect(readdirSync(root)).toEqual([]);
  mkdirSync(join(root, '.tmp-killed', 'deep'), { recursive: true });
  await store.clean();
  expect(readdirSync(root)).toEqual([]);
});

test('no path outside the store can be asked for', () => {
  expect(() => store.dirOf('../x', 'a'.repeat(64))).toThrow();
  expect(() => store.dirOf('..', 'a'.repeat(64))).toThrow();
  expect(() => store.dirOf('x_agent', '../../etc')).toThrow();
});

test('X2 a copy has the digest of what was copied, whatever a racer does to the original meanwhile', async () => {
  const code = join(source, 'agent.ts');
  const script = `
    const fs = require('node:fs');
    for (let i = 0; ; i += 1) {
      fs.writeFileSync(process.argv[1] + '.new', 'export const x = ' + i + ';');
      fs.renameSync(process.argv[1] + '.new', process.argv[1]);
    }`;
  const racer = spawn(process.execPath, ['-e', script, code], { stdio: 'ignore' });
  const digests = new Set<string>();
  try {
    await waitFor(() => readFileSync(code, 'utf8').startsWith('export const'));
    await waitFor(async () => {
      const staged = await store.stage(source, 'x_agent').catch((error: unknown) => {
        if (error instanceof RefusedPackage) return undefined;
        throw error;
      });
      if (staged === undefined) return false;
      expect(digestOf(await readTree(staged.dir))).toBe(staged.digest);
      digests.add(staged.digest);
      await staged.discard();
      return digests.size >= 30;
    });
  } finally {
    racer.kill('SIGKILL');
  }
});
