/** Test helper process: `up` on a data folder with test parts; prints one line when it is up or has failed. */
import { join } from 'node:path';
import { readSettings } from '../up/settings.ts';
import { up } from '../up/up.ts';

const part = join(import.meta.dirname, 'part.mjs');
const settings = readSettings(process.env, process.cwd());
if (!settings.ok) throw new Error(JSON.stringify(settings.errors));
try {
  const scripts = { server: part, host: part, collector: part };
  const running = await up(settings.value, { scripts });
  const stop = () => {
    running.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`${String(error)}\n`);
        process.exit(1);
      },
    );
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, stop);
  process.stdout.write(`up ${JSON.stringify(running.info)}\n`);
} catch (error) {
  process.stdout.write(`failed ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
