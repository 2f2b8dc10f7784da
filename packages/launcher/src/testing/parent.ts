/** Test helper process: the parent of one part; prints its pid and waits to be killed. */
import { join } from 'node:path';
import { Child } from '../process/child.ts';
import { withDeathSignal } from '../process/wrapper.ts';

const dir = process.argv[2] ?? '';
const script = join(import.meta.dirname, 'part.mjs');
const child = new Child({
  name: 'part',
  command: () => ({
    ...withDeathSignal({ file: process.execPath, args: [script] }, 'SIGTERM'),
    env: {},
    cwd: dir,
  }),
  ready: 'line',
  readyTimeoutMs: 20_000,
  stopSignal: 'SIGTERM',
  graceMs: 5_000,
  logFile: join(dir, 'part.log'),
  pidFile: join(dir, 'part.json'),
});
await child.start();
process.stdout.write(`${child.pid}\n`);
