/** The `opmas` process: the right Node, its code cached, then the command. */
import { mkdirSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

const NODE = 24;
if (Number(process.versions.node.split('.')[0]) < NODE) {
  process.stderr.write(
    `error: OPMAS needs Node.js ${NODE} or newer, this is ${process.versions.node}\n→ Use \`npm run opmas -- …\`, which brings its own.\n`,
  );
  process.exit(1);
}

/** Two thirds of the start is reading TypeScript: done once for each version of a file. */
const cache =
  process.env['XDG_CACHE_HOME'] || (process.env['HOME'] && join(process.env['HOME'], '.cache'));
if (cache && !process.env['NODE_COMPILE_CACHE']) {
  const folder = join(cache, 'opmas', 'compile');
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    enableCompileCache(folder);
  } catch {
    // A home that cannot be written: slower, and otherwise the same.
  }
}

const { runProcess } = await import('./process.ts');
await runProcess();
