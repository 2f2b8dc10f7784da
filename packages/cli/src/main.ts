/** The `opmas` process: environment, signals and streams in; exit code out. */
import { EXIT } from './exit-codes.ts';
import type { Io } from './io.ts';
import { visible } from './output/visible.ts';

const NODE = 24;
if (Number(process.versions.node.split('.')[0]) < NODE) {
  process.stderr.write(
    `error: OPMAS needs Node.js ${NODE} or newer, this is ${process.versions.node}\n→ Use \`npm run opmas -- …\`, which brings its own.\n`,
  );
  process.exit(EXIT.failed);
}

/** Whoever reads us may have enough (`| head`): that is no error. */
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT.ok);
  throw error;
});

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

const { runCli } = await import('./program.ts');
process.exitCode = await runCli(process.argv.slice(2), io);
