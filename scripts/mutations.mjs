/**
 * `npm run mutations [-- FILTER…]`: removes one defence after the other in a copy of the repository and runs the
 * test that guards it. A removal no test notices is the failure. FILTER: part of an id, an attack or a path.
 * `--check` only says whether every removal still fits the source (the test run does this).
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

const ROOT = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const FOLDER = 'docs/security/mutations';
const TEST_MS = 240_000;

/** @typedef {{ id: string, attack: string, defence: string, file: string, remove: string, with?: string, test: string, title?: string }} Mutation */

/** @returns {Mutation[]} */
function mutations() {
  const files = readdirSync(join(ROOT, FOLDER)).filter((name) => name.endsWith('.yml'));
  return files.sort().flatMap((name) => parse(readFileSync(join(ROOT, FOLDER, name), 'utf8')));
}

/** @param {Mutation} mutation */
function faultOf({ id, attack, defence, file, remove, test }) {
  if (
    ![id, attack, defence, file, remove, test].every((text) => typeof text === 'string' && text)
  ) {
    return 'needs id, attack, defence, file, remove and test';
  }
  if (!existsSync(join(ROOT, file))) return `${file} does not exist`;
  if (!existsSync(join(ROOT, test))) return `${test} does not exist`;
  const count = readFileSync(join(ROOT, file), 'utf8').split(remove).length - 1;
  return count === 1 ? undefined : `its text is ${count} times in ${file}, and must be there once`;
}

const all = mutations();
const problems = all.flatMap((mutation, index) => {
  const fault = faultOf(mutation);
  if (fault !== undefined) return [`${mutation.id}: ${fault}`];
  return all.findIndex(({ id }) => id === mutation.id) === index
    ? []
    : [`${mutation.id} is there twice`];
});
for (const problem of problems) console.error(`${FOLDER}: ${problem}`);
if (problems.length > 0) process.exit(1);
if (process.argv.includes('--check')) {
  console.log(`${all.length} removals of a defence fit the source`);
  process.exit(0);
}

const filters = process.argv.slice(2);
const chosen = all.filter(({ id, attack, file }) =>
  filters.length === 0
    ? true
    : filters.some((part) => id.includes(part) || attack === part || file.includes(part)),
);
const copy = mkdtempSync(join(tmpdir(), 'opmas-mutations-'));
let running;
process.on('exit', () => {
  running?.kill('SIGKILL');
  rmSync(copy, { recursive: true, force: true });
});
process.on('SIGINT', () => process.exit(130));
process.on('SIGTERM', () => process.exit(143));
copyRepository();

/** Whether a test passes while every defence stands: one that fails anyway notices nothing. */
const sound = new Map();
let unnoticed = 0;
for (const mutation of chosen) {
  const began = performance.now();
  const outcome = await outcomeOf(mutation);
  const seconds = ((performance.now() - began) / 1000).toFixed(0);
  if (outcome !== 'noticed') unnoticed += 1;
  const { attack, id, defence } = mutation;
  console.log(`${outcome.padEnd(9)} ${attack.padEnd(4)} ${id}: ${defence} (${seconds} s)`);
}
console.log(`${chosen.length - unnoticed} of ${chosen.length} removals were noticed`);
process.exit(unnoticed === 0 ? 0 : 1);

/** @param {Mutation} mutation @returns {Promise<'noticed' | 'UNNOTICED' | 'BROKEN'>} */
async function outcomeOf(mutation) {
  const key = `${mutation.test} ${mutation.title ?? ''}`;
  if (!sound.has(key)) sound.set(key, (await runTest(mutation)) === 'passed');
  if (!sound.get(key)) return 'BROKEN';
  const path = join(copy, mutation.file);
  const source = readFileSync(path, 'utf8');
  // As a function: a dollar sign in the text is a dollar sign.
  writeFileSync(
    path,
    source.replace(mutation.remove, () => mutation.with ?? ''),
  );
  try {
    return { passed: 'UNNOTICED', failed: 'noticed', unloadable: 'BROKEN' }[
      await runTest(mutation)
    ];
  } finally {
    writeFileSync(path, source);
  }
}

function copyRepository() {
  const listed = spawnSync('git', ['ls-files', '-co', '--exclude-standard', '-z'], { cwd: ROOT });
  if (listed.status !== 0) throw new Error(`git ls-files: ${listed.stderr}`);
  for (const name of listed.stdout.toString().split('\0')) {
    if (name !== '' && existsSync(join(ROOT, name))) cpSync(join(ROOT, name), join(copy, name));
  }
  // A copy, not a link: the workspaces in it are relative links, and must lead to the copied sources.
  const options = { recursive: true, verbatimSymlinks: true };
  cpSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'), options);
}

/** @param {Mutation} mutation @returns {Promise<'passed' | 'failed' | 'unloadable'>} */
async function runTest({ test, title }) {
  const report = join(copy, 'mutation-report.json');
  rmSync(report, { force: true });
  const vitest = join(copy, 'node_modules/vitest/vitest.mjs');
  const args = [vitest, 'run', test, '--reporter=json', `--outputFile=${report}`];
  if (title !== undefined) args.push('-t', title);
  running = spawn(process.execPath, args, { cwd: copy, stdio: 'ignore', timeout: TEST_MS });
  const [status] = await once(running, 'exit');
  running = undefined;
  if (status === 0) return 'passed';
  // A file that does not even load says nothing about the defence.
  const failed = existsSync(report) ? JSON.parse(readFileSync(report, 'utf8')).numFailedTests : 0;
  return failed > 0 ? 'failed' : 'unloadable';
}
