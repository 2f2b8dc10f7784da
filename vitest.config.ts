/** One configuration for every package's tests; tests stand beside the code they pin. */
import { defineConfig } from 'vitest/config';
import { LongestFirst } from './packages/testkit/src/longest-first.ts';

export default defineConfig({
  test: {
    include: [
      'packages/**/*.test.ts',
      'packages/**/*.test.tsx',
      'agents/**/*.test.ts',
      'e2e/**/*.test.ts',
      'bench/**/*.test.ts',
    ],
    exclude: ['**/node_modules/**', '**/dist/**', 'agents/_template/**'],
    globalSetup: ['packages/testkit/src/global-setup.ts'],
    pool: 'forks',
    // Where the processor has protection keys, V8 loses count of its code pages once in many runs with threads that
    // are ended, and ends the process (`Check failed: jit_page.has_value()`).
    execArgv: ['--no-memory-protection-keys'],
    // Files share a process, and what it has loaded: a fifth of the whole run's processor time.
    isolate: false,
    // Real servers and processes, which mostly wait for each other: four at a time keep two cores at work.
    maxWorkers: 4,
    sequence: { sequencer: LongestFirst },
    // A machine that stood still for a moment is no fault of the code; what had to be tried twice is told as such.
    retry: 1,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    restoreMocks: true,
    unstubGlobals: true,
    passWithNoTests: false,
  },
});
