/** Every check of the repository, one after the other; the first that fails is the last that runs. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const bin = (name) => join('node_modules', '.bin', name);
const filters = process.argv.slice(2);

const vitest = ['tests', bin('vitest'), ['run', ...filters]];
const steps =
  filters.length > 0
    ? [vitest]
    : [
        ['format', bin('biome'), ['check', '.']],
        ['lint', bin('oxlint'), ['--type-aware', '--deny-warnings', '.']],
        ['types', bin('tsc'), ['-p', 'tsconfig.json']],
        ...(existsSync('packages/ui/tsconfig.json')
          ? [['types of the page', bin('tsc'), ['-p', 'packages/ui']]]
          : []),
        ['layers', process.execPath, ['scripts/check-layers.mjs']],
        ['controls', process.execPath, ['scripts/check-controls.mjs']],
        ['removals', process.execPath, ['scripts/mutations.mjs', '--check']],
        vitest,
      ];

for (const [name, file, args] of steps) {
  const began = performance.now();
  process.stderr.write(`\n── ${name}\n`);
  const { status, signal, error } = spawnSync(file, args, { stdio: 'inherit' });
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  if (status !== 0) {
    process.stderr.write(
      `── ${name} failed after ${seconds} s${error ? `: ${error.message}` : ''}\n`,
    );
    process.exit(status ?? (signal === 'SIGINT' ? 130 : 1));
  }
  process.stderr.write(`── ${name}: ok, ${seconds} s\n`);
}
