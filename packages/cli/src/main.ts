/** The `opmas` process: arguments in, exit code out. Each command's code is loaded when it runs. */
import { Command } from 'commander';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { Io } from './io.ts';

const io: Io = {
  env: process.env,
  cwd: process.cwd(),
  print: (line) => void process.stdout.write(`${line}\n`),
  note: (line) => void process.stderr.write(`${line}\n`),
  error: (line) => void process.stderr.write(`error: ${line}\n`),
  interactive: process.stdout.isTTY === true,
};

const program = new Command('opmas').description('Agent management for network operators');
program
  .command('up')
  .description('run OPMAS on this machine')
  .action(async () => finish(await (await import('./commands/up.ts')).upCommand(io)));

function finish(code: ExitCode): void {
  process.exitCode = code;
  if (code !== EXIT.ok) process.exit(code);
}

await program.parseAsync();
