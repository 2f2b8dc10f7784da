/** The layer check: imports point down only, no cycles; and it must have seen the code it judges. */
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';

const ROOTS = ['packages', 'agents', 'bench', 'e2e'];
/** A cruiser that cannot parse TypeScript sees nothing, and nothing breaks no rule. */
const LEAST_MODULES = 200;
const LEAST_SHARE = 0.98;
const LEAST_IMPORTS_PER_MODULE = 1;

const present = readdirSync('.');
const roots = ROOTS.filter((root) => present.includes(root));
const sources = roots.flatMap((root) => sourcesIn(root));

const cruiser = join('node_modules', '.bin', 'depcruise');
const args = ['--config', '.dependency-cruiser.cjs', '--output-type', 'json', ...roots];
let text;
try {
  text = execFileSync(cruiser, args, { encoding: 'utf8', maxBuffer: 256 * 1024 * 1024 });
} catch (error) {
  // It exits with the number of broken rules and still writes its answer.
  text = error.stdout;
  if (!text?.startsWith('{')) throw error;
}
const { modules, summary } = JSON.parse(text);

const seen = new Map(modules.map((module) => [module.source, module]));
const missed = sources.filter((path) => !seen.has(path));
const imports = sources.reduce((sum, path) => sum + (seen.get(path)?.dependencies.length ?? 0), 0);
const problems = [];
if (sources.length < LEAST_MODULES) {
  problems.push(
    `only ${sources.length} source files were found, at least ${LEAST_MODULES} are known to exist`,
  );
}
if (missed.length > sources.length * (1 - LEAST_SHARE)) {
  problems.push(
    `${missed.length} of ${sources.length} source files were not seen, such as ${missed[0]}`,
  );
}
if (imports < sources.length * LEAST_IMPORTS_PER_MODULE) {
  problems.push(`only ${imports} imports were seen in ${sources.length} files`);
}
for (const { rule, from, to, cycle } of summary.violations) {
  const way =
    cycle === undefined ? `${from} → ${to}` : [from, ...cycle.map(({ name }) => name)].join(' → ');
  problems.push(`${rule.name}: ${way}`);
}
for (const problem of problems) console.error(problem);
console.error(`${sources.length} modules, ${imports} imports, ${problems.length} problems`);
process.exitCode = problems.length === 0 ? 0 : 1;

function sourcesIn(dir) {
  return readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    const path = `${dir}/${entry.name}`;
    if (entry.isDirectory()) {
      return ['node_modules', 'dist', '_template'].includes(entry.name) ? [] : sourcesIn(path);
    }
    return /\.tsx?$/.test(entry.name) && !entry.name.endsWith('.d.ts') ? [path] : [];
  });
}
