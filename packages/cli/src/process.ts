/** Environment, signals and streams in; exit code out. Loaded by main.ts once the cache is on. */
import { EXIT } from './exit-codes.ts';
import type { Io } from './io.ts';
import { visible } from './output/visible.ts';
import { runCli } from './program.ts';

/** Runs this process's command line. */
export async function runProcess(): Promise<void> {
  process.stdout.on('error', endOfReader);
  process.exitCode = await runCli(process.argv.slice(2), io);
}

/** Whoever reads us may have enough (`| head`): that is no error. */
function endOfReader(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit(EXIT.ok);
  throw error;
}

const io: Io = {
  env: process.env,
  cwd: process.env['OPMAS_CALLER_DIR'] || process.cwd(),
  print: (line) => void process.stdout.write(`${line}\n`),
  note: (text) => void process.stderr.write(`${text.split('\n').map(visible).join('\n')}\n`),
  error: (line) => void process.stderr.write(`error: ${visible(line)}\n`),
  interactive: process.stdout.isTTY === true,
  stdin: process.stdin,
  onInterrupt: () => {
    const controller = new AbortController();
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => controller.abort());
    }
    return controller.signal;
  },
};
