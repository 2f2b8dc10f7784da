/** `npm run dev`: OPMAS that starts again on a changed source file, and the page with hot reload. */
import { type ChildProcess, spawn } from 'node:child_process';
import { watch } from 'node:fs';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');
const QUIET_MS = 300;
const WATCHED =
  /^(?!ui\/|client\/|testkit\/)[\w-]+\/(src|migrations)\/(?!.*\.test\.ts$).*\.(ts|sql)$/;

let opmas: ChildProcess | undefined;
let wanted = true;
let pending: NodeJS.Timeout | undefined;

function start(): void {
  const child = spawn(process.execPath, [join(ROOT, 'packages/cli/src/main.ts'), 'up'], {
    cwd: ROOT,
    stdio: 'inherit',
    // A session of its own: Ctrl-C comes to this process, which stops it in order.
    detached: true,
  });
  opmas = child;
  child.once('exit', (code) => {
    opmas = undefined;
    if (wanted) {
      process.stderr.write(`dev: OPMAS ended (${code}); it starts again with the next change\n`);
    }
  });
}

async function stop(): Promise<void> {
  const child = opmas;
  if (child === undefined) return;
  const gone = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
  });
  child.kill('SIGTERM');
  await gone;
}

async function restart(file: string): Promise<void> {
  process.stderr.write(`dev: ${file} changed, starting again\n`);
  await stop();
  if (wanted) start();
}

const watcher = watch(join(ROOT, 'packages'), { recursive: true }, (_event, file) => {
  if (file === null || !WATCHED.test(file)) return;
  clearTimeout(pending);
  pending = setTimeout(() => void restart(file), QUIET_MS);
});
const page = spawn(join(ROOT, 'node_modules/.bin/vite'), [], {
  cwd: join(ROOT, 'packages/ui'),
  stdio: 'inherit',
});

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    wanted = false;
    clearTimeout(pending);
    watcher.close();
    page.kill('SIGTERM');
    void stop().then(() => process.exit(0));
  });
}
start();
