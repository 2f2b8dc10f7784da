/** `opmas up --watch`: starts again when a source file of OPMAS changes. For those who work on it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { watch as watchFiles } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import type { Run } from '../run.ts';
import { settingsEnvironment } from './up.ts';

const PACKAGES = resolve(import.meta.dirname, '../../..');
const WATCHED = [
  'protocol',
  'bus',
  'rules',
  'sdk',
  'ingest',
  'collector',
  'supervisor',
  'server',
  'launcher',
  'cli',
];
/** Editors write a file in several steps. */
const SETTLE_MS = 200;

export async function watch(run: Run): Promise<ExitCode> {
  const { io } = run;
  const signal = io.onInterrupt();
  let changed = Promise.withResolvers<void>();
  signal.addEventListener('abort', () => changed.resolve(), { once: true });
  const watchers = WATCHED.map((name) =>
    watchFiles(join(PACKAGES, name, 'src'), { recursive: true }, (_event, file) => {
      if (file?.endsWith('.ts') && !file.endsWith('.test.ts')) changed.resolve();
    }),
  );
  try {
    while (!signal.aborted) {
      changed = Promise.withResolvers();
      if (signal.aborted) break;
      const child = spawn(process.execPath, [join(PACKAGES, 'cli/src/main.ts'), 'up'], {
        cwd: io.cwd,
        env: settingsEnvironment(run),
        stdio: 'inherit',
      });
      const exited = once(child, 'exit');
      const aborted = () => changed.resolve();
      signal.addEventListener('abort', aborted, { once: true });
      await Promise.race([changed.promise, exited]);
      // It ended by itself: wait for a change that may mend it.
      await changed.promise;
      signal.removeEventListener('abort', aborted);
      if (!signal.aborted) {
        await delay(SETTLE_MS);
        io.note('a source file has changed: starting again');
      }
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGTERM');
        await exited;
      }
    }
    return EXIT.ok;
  } finally {
    for (const watcher of watchers) watcher.close();
  }
}
