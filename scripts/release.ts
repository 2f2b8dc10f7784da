/** `npm run release -- [--dry-run] [patch|minor|major]`: one version everywhere, the changelog, a commit, a tag. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
const STEPS = ['patch', 'minor', 'major'] as const;
/** The SDK has a version of its own: agent packages depend on it. */
const OWN_VERSION = new Set(['sdk']);

const args = process.argv.slice(2);
const dryRun = args.includes('--dry-run');
const step = STEPS.find((name) => args.includes(name)) ?? 'minor';
const unknown = args.filter((arg) => arg !== '--dry-run' && !STEPS.some((name) => name === arg));
if (unknown.length > 0) {
  fail(`unknown argument ${unknown.join(' ')}; use --dry-run and one of ${STEPS.join(', ')}`);
}

const git = (...command: string[]) =>
  execFileSync('git', command, { cwd: ROOT, encoding: 'utf8' }).trim();

const current = readVersion(join(ROOT, 'package.json'));
const next = bump(current, step);
const changelogPath = join(ROOT, 'CHANGELOG.md');
const changelog = readFileSync(changelogPath, 'utf8');
const pending = /## Pending\n([\s\S]*?)(?=\n## |$)/.exec(changelog)?.[1]?.trim() ?? '';

const problems: string[] = [];
if (git('status', '--porcelain') !== '')
  problems.push('the tree has changes that are not committed');
if (git('rev-parse', '--abbrev-ref', 'HEAD') !== 'main')
  problems.push('this is not the branch main');
if (pending === '') problems.push('CHANGELOG.md has no Pending block, or it is empty');
if (git('tag', '--list', `v${next}`) !== '') problems.push(`the tag v${next} exists`);

const packages = readdirSync(join(ROOT, 'packages')).filter((name) => !OWN_VERSION.has(name));
print(`release ${current} → ${next} (${step})`);
print(`  version in package.json, the lockfile and ${packages.length} packages`);
print(`  CHANGELOG.md: Pending becomes ${next}, ${pending.split('\n').length} lines`);
print(`  commit "chore: release ${next}", tag v${next}`);
for (const problem of problems) print(`  not ready: ${problem}`);
if (dryRun) process.exit(0);
if (problems.length > 0) fail(problems.join('; '));

execFileSync('npm', ['test'], { cwd: ROOT, stdio: 'inherit' });
for (const name of packages) setVersion(join(ROOT, 'packages', name, 'package.json'), next);
setVersion(join(ROOT, 'package.json'), next);
execFileSync('npm', ['install', '--package-lock-only', '--ignore-scripts'], {
  cwd: ROOT,
  stdio: 'inherit',
});
const today = new Date().toISOString().slice(0, 10);
writeFileSync(
  changelogPath,
  changelog.replace('## Pending\n', `## Pending\n\n## ${next} (${today})\n`),
);
git('commit', '--all', '--message', `chore: release ${next}`);
git('tag', '--annotate', `v${next}`, '--message', `OPMAS ${next}`);
print(`done; publish it with: git push origin main v${next}`);

function bump(version: string, by: (typeof STEPS)[number]): string {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  if (by === 'major') return `${major + 1}.0.0`;
  return by === 'minor' ? `${major}.${minor + 1}.0` : `${major}.${minor}.${patch + 1}`;
}

function readVersion(path: string): string {
  return (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version;
}

/** Every place that names the old version of a workspace package moves with it. */
function setVersion(path: string, version: string): void {
  const text = readFileSync(path, 'utf8');
  const own = text.replace(/^( {2}"version": )"[^"]+"/m, `$1"${version}"`);
  const deps = own.replaceAll(/("@opmas\/(?!sdk")[\w-]+": )"[^"]+"/g, `$1"${version}"`);
  writeFileSync(path, deps);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function fail(message: string): never {
  process.stderr.write(`release: ${message}\n`);
  process.exit(1);
}
