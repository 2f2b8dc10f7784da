/** What one product of a test run has stripped and compiled of our sources, the next need not. */
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { RUN_COMPILE_CACHE } from './global-setup.ts';

/** Lets the parts of the product in `dataDir` share the run's compiled sources; before its first start. */
export function shareCompileCache(dataDir: string): void {
  const shared = process.env[RUN_COMPILE_CACHE];
  if (shared === undefined) return;
  const run = join(dataDir, 'run');
  mkdirSync(shared, { recursive: true });
  mkdirSync(run, { mode: 0o700, recursive: true });
  symlinkSync(shared, join(run, 'compile-cache'));
}

/** For the environment of any other Node that a test starts: the same cache, empty outside a test run. */
export function compileCacheEnv(): Record<string, string> {
  const shared = process.env[RUN_COMPILE_CACHE];
  return shared === undefined ? {} : { NODE_COMPILE_CACHE: shared };
}
