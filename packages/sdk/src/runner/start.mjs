/**
 * Where an agent's process begins: plain JavaScript, so that an agent started before loads no compiler
 * for TypeScript. That is 25 MB and half of its start. The cache is the agent's own, in its state folder.
 */
import { enableCompileCache, flushCompileCache } from 'node:module';
import { isAbsolute, join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Kept soon after the start too: a process that is killed writes nothing at its end. */
const FLUSH_AFTER_MS = 10_000;
const TRIM_AFTER_MS = 5_000;

const state = process.argv[process.argv.indexOf('--state') + 1];
if (process.argv.includes('--state') && state !== undefined && isAbsolute(state)) {
  // Without a folder that can be written it starts as before, only slower.
  enableCompileCache(join(state, 'compile-cache'));
  setTimeout(() => flushCompileCache(), FLUSH_AFTER_MS).unref();
}
// V8 keeps what only the start needed until the heap grows again, which on an idle agent is never.
setTimeout(() => {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')({ type: 'major', flavor: 'last-resort' });
}, TRIM_AFTER_MS).unref();
await import('./main.ts');
