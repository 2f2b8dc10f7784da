/** Environment, signals and streams in; exit code out. Loaded by main.ts once the cache is on. */
import { EXIT } from './exit-codes.ts';
import type { Io } from './io.ts';
import { visible } from './output/visible.ts';
import { runCli } from './program.ts';

/** What a command that must end in order listens to. */
let interrupt: AbortController | undefined;
let readerGone = false;

/** Runs this process's command line. */
export async function runProcess(): Promise<void> {
  process.stdout.on('error', stdoutFailed);
  process.stderr.on('error', stderrFailed);
  const code = await runCli(process.argv.slice(2), io);
  process.exitCode = readerGone ? EXIT.ok : code;
}

/** Whoever reads us may have enough (`| head`): that is no error, and an end like Ctrl-C. */
function stdoutFailed(error: NodeJS.ErrnoException): void {
  if (error.code === 'EIO') return;
  if (error.code !== 'EPIPE') throw error;
  if (interrupt === undefined) process.exit(EXIT.ok);
  readerGone = true;
  interrupt.abort();
}

/**
 * EIO: the terminal is gone. Whether that ends us is what SIGHUP says; what we have to stop is stopped
 * in order either way. Nobody misses notes that nobody can read.
 */
function stderrFailed(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EIO' && error.code !== 'EPIPE') throw error;
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
    interrupt ??= new AbortController();
    const controller = interrupt;
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
      process.on(signal, () => controller.abort());
    }
    return controller.signal;
  },
};
