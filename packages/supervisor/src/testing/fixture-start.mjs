/** Where the fixture agent begins: plain JavaScript, so that what one start has compiled the next need not. */
import { readFileSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

const packageDir = process.argv[process.argv.indexOf('--package') + 1] ?? '';
const cache = readFileSync(join(packageDir, '.opmas', 'compile-cache'), 'utf8');
if (cache !== '') enableCompileCache(cache);
await import('./fixture-agent.ts');
