/** What of a folder is let into the package store. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  linkSync,
  mkdirSync,
  renameSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type TempDir, tempDir } from '@opmas/testkit';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { packageLimits } from './limits.ts';
import { RefusedPackage } from './refused.ts';
import { digestOf, readPlainFile, readTree } from './tree.ts';

let temp: TempDir;
let root: string;
beforeEach(() => {
  temp = tempDir('tree');
  root = join(temp.path, 'p');
  mkdirSync(join(root, 'lib'), { recursive: true });
  writeFileSync(join(root, 'agent.ts'), 'export {};');
  writeFileSync(join(root, 'lib', 'a.ts'), 'a');
});
afterEach(() => temp.remove());

async function codeFor(work: () => Promise<unknown>): Promise<string> {
  try {
    await work();
  } catch (error) {
    if (error instanceof RefusedPackage) return error.fault.code;
    throw error;
  }
  return 'accepted';
}
const digest = async () => digestOf(await readTree(root));

describe('X2 what a package may hold', () => {
  test('the digest depends on paths, contents and the executable bit, and on nothing else', async () => {
    const first = await digest();
    expect(first).toMatch(/^[0-9a-f]{64}$/);
    for (const skipped of ['node_modules', '.git', '.opmas']) {
      mkdirSync(join(root, skipped));
      writeFileSync(join(root, skipped, 'x'), 'x');
    }
    writeFileSync(join(root, '.opmas-signature'), '{}');
    mkdirSync(join(root, 'empty'));
    chmodSync(join(root, 'agent.ts'), 0o600);
    expect(await digest()).toBe(first);
    chmodSync(join(root, 'agent.ts'), 0o700);
    const executable = await digest();
    expect(executable).not.toBe(first);
    writeFileSync(join(root, 'lib', 'a.ts'), 'b');
    const changed = await digest();
    expect([first, executable]).not.toContain(changed);
    renameSync(join(root, 'lib', 'a.ts'), join(root, 'lib', 'b.ts'));
    expect([first, executable, changed]).not.toContain(await digest());
  });

  test('contents cannot be shifted between files', async () => {
    writeFileSync(join(root, 'x'), '1');
    writeFileSync(join(root, 'y'), '23');
    const one = await digest();
    writeFileSync(join(root, 'x'), '12');
    writeFileSync(join(root, 'y'), '3');
    expect(await digest()).not.toBe(one);
  });

  test.each<[string, (path: string) => void, string]>([
    ['a link to a file', (p) => symlinkSync('/etc/hostname', join(p, 'l')), 'symlink'],
    ['a link to a folder', (p) => symlinkSync('/etc', join(p, 'l')), 'symlink'],
    ['a link that dangles', (p) => symlinkSync('nowhere', join(p, 'lib', 'l')), 'symlink'],
    ['a FIFO', (p) => execFileSync('mkfifo', [join(p, 'f')]), 'special_file'],
    [
      'a file of outside, hard linked',
      (p) => {
        writeFileSync(join(p, '..', 'outside'), 'secret');
        linkSync(join(p, '..', 'outside'), join(p, 'inside'));
      },
      'hard_link',
    ],
    [
      'names that differ in case alone',
      (p) => writeFileSync(join(p, 'AGENT.ts'), ''),
      'case_twins',
    ],
    ['an escape sequence in a name', (p) => writeFileSync(join(p, '\u001b[2Jx'), ''), 'bad_name'],
    ['a backslash in a name', (p) => writeFileSync(join(p, '..\\x'), ''), 'bad_name'],
    [
      'too many files',
      (p) => {
        for (let i = 0; i < packageLimits.files; i += 1) writeFileSync(join(p, `f${i}`), '');
      },
      'too_many_files',
    ],
    [
      'too many bytes',
      (p) => {
        writeFileSync(join(p, 'big'), '');
        truncateSync(join(p, 'big'), packageLimits.bytes + 1);
      },
      'too_large',
    ],
    [
      'too many levels',
      (p) => mkdirSync(join(p, ...Array<string>(18).fill('d')), { recursive: true }),
      'too_deep',
    ],
  ])('%s is refused', async (_, make, code) => {
    make(root);
    expect(await codeFor(() => readTree(root))).toBe(code);
  });

  test('two names for one file inside the package are no way out', async () => {
    linkSync(join(root, 'agent.ts'), join(root, 'twin.ts'));
    expect((await readTree(root)).map((file) => file.path)).toEqual([
      'agent.ts',
      'lib/a.ts',
      'twin.ts',
    ]);
  });

  test('a folder that is itself a link is refused', async () => {
    symlinkSync(root, join(temp.path, 'linked'));
    expect(await codeFor(() => readTree(join(temp.path, 'linked')))).toBe('symlink');
  });

  test('a folder that is swapped for a link again and again gives nothing of outside', async () => {
    const outside = join(temp.path, 'outside');
    mkdirSync(outside);
    writeFileSync(join(outside, 'a.ts'), 'secret');
    const expected = await digest();
    let reading = true;
    const swapping = (async () => {
      while (reading) {
        renameSync(join(root, 'lib'), join(temp.path, 'aside'));
        symlinkSync(outside, join(root, 'lib'));
        await new Promise(setImmediate);
        renameSync(join(root, 'lib'), join(temp.path, 'link'));
        renameSync(join(temp.path, 'aside'), join(root, 'lib'));
        await new Promise(setImmediate);
      }
    })();
    const outcomes = new Set<string>();
    for (let i = 0; i < 300; i += 1) {
      try {
        outcomes.add(await digest());
      } catch (error) {
        if (!(error instanceof RefusedPackage)) throw error;
        outcomes.add(error.fault.code);
      }
    }
    reading = false;
    await swapping;
    const withoutLib = digestOf((await readTree(root)).filter((file) => file.path === 'agent.ts'));
    for (const outcome of outcomes) {
      expect([expected, withoutLib, 'symlink', 'changing']).toContain(outcome);
    }
  });

  test('a plain file is read whole, and nothing else is read', async () => {
    const path = join(root, 'agent.ts');
    expect((await readPlainFile(path, 100))?.toString()).toBe('export {};');
    expect(await codeFor(() => readPlainFile(path, 9))).toBe('too_large');
    expect(await readPlainFile(join(root, 'missing'), 9)).toBeUndefined();
    symlinkSync('agent.ts', join(root, 'l'));
    expect(await codeFor(() => readPlainFile(join(root, 'l'), 100))).toBe('symlink');
    execFileSync('mkfifo', [join(root, 'f')]);
    expect(await codeFor(() => readPlainFile(join(root, 'f'), 100))).toBe('special_file');
    expect(await codeFor(() => readPlainFile(join(root, 'lib'), 100))).toBe('special_file');
  });
});
