/**
 * Where an agent's process begins: plain JavaScript, so that an agent started before loads no compiler
 * for TypeScript. That is 25 MB and half of its start. The cache is the agent's own, in its state folder.
 */
import { enableCompileCache, flushCompileCache } from 'node:module';
import { isAbsolute, join } from 'node:path';

/** Kept soon after the start too: a process that is killed writes nothing at its end. */
const FLUSH_AFTER_MS = 10_000;

const state = process.argv[process.argv.indexOf('--state') + 1];
if (process.argv.includes('--state') && state !== undefined && isAbsolute(state)) {
  // Without a folder that can be written it starts as before, only slower.
  enableCompileCache(join(state, 'compile-cache'));
  setTimeout(() => flushCompileCache(), FLUSH_AFTER_MS).unref();
}
await import('./main.ts');
