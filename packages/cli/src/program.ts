/** Arguments in, exit code out: builds the parser from the table of verbs and reports every error once. */
import { readFileSync } from 'node:fs';
import { Command, CommanderError, Option } from 'commander';
import { CliError, interrupted, messageOf, problemOf, usageError } from './errors.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { Io } from './io.ts';
import { createOutput } from './output/output.ts';
import { visibleJson } from './output/visible.ts';
import { Options, pathOf, type Run } from './run.ts';
import { dataDirOf, targetOf } from './session/target.ts';
import { trustAuthorities } from './session/trust.ts';
import { GROUPS, VERBS } from './verbs/index.ts';
import type { Verb, VerbOption } from './verbs/verb.ts';

/** Options of every command. `--data` is the body in `api`, so the folder has a longer name too. */
const COMMON: readonly VerbOption[] = [
  { flags: '--json', about: 'data, and errors, as JSON' },
  { flags: '--url <url>', about: 'server (OPMAS_URL)' },
  { flags: '--ca-file <file>', about: 'authority of its certificate, PEM (OPMAS_CA_FILE)' },
  { flags: '--data-dir <dir>', about: 'data folder (OPMAS_DATA_DIR); short: --data' },
  { flags: '--no-color', about: 'no colours (NO_COLOR)' },
];

/** Runs one command line. Never throws for what a user, a file or a server can do wrong. */
export async function runCli(args: readonly string[], io: Io): Promise<ExitCode> {
  let outcome: ExitCode = EXIT.ok;
  const program = build(io, async (verb, given) => {
    outcome = await execute(verb, given, io);
  });
  try {
    await program.parseAsync([...args], { from: 'user' });
    return outcome;
  } catch (error) {
    return report(error, args.includes('--json'), io);
  }
}

interface Given {
  args: readonly string[];
  options: Readonly<Record<string, unknown>>;
}

async function execute(verb: Verb, { args, options }: Given, io: Io): Promise<ExitCode> {
  const json = options['json'] === true;
  const csv = options['csv'] === true;
  if (csv && (json || options['follow'] === true)) {
    throw usageError('--csv goes neither with --json nor with --follow');
  }
  const read = new Options(options);
  const place = {
    url: read.text('url'),
    data: read.text('dataDir') ?? (verb.name === 'api' ? undefined : read.text('data')),
  };
  const colour =
    !json &&
    !csv &&
    io.interactive &&
    options['color'] !== false &&
    !io.env['NO_COLOR'] &&
    io.env['TERM'] !== 'dumb';
  const run: Run = {
    io,
    out: createOutput(io, { json, csv, colour }),
    args,
    options: read,
    dataDir: dataDirOf(place, io.env, io.cwd),
    api: async () => {
      const target = targetOf(place, io.env, io.cwd);
      const { env, cwd } = io;
      const caFile = read.text('caFile');
      trustAuthorities(target.url, target.local, { caFile, env, cwd, dataDir: target.dataDir });
      return (await import('./api/api.ts')).createApi(io, target);
    },
    path: (text) => pathOf(io.cwd, text),
  };
  const command = await verb.load();
  return command(run);
}

function build(io: Io, onVerb: (verb: Verb, given: Given) => Promise<void>): Command {
  const program = new Command('opmas')
    .description('Agent management for network operators')
    .version(version(), '-V, --version')
    .showSuggestionAfterError()
    .configureHelp({ sortSubcommands: false, showGlobalOptions: false });
  const groups = new Map<string, Command>();
  for (const verb of VERBS) {
    const words = verb.name.split(' ');
    const leaf = words.at(-1) ?? verb.name;
    const parent = groupOf(program, groups, words.slice(0, -1));
    const command = parent.command(leaf).description(verb.about);
    for (const argument of verb.args ?? []) command.argument(argument);
    for (const option of [...(verb.options ?? []), ...COMMON]) command.addOption(optionOf(option));
    if (verb.name !== 'api') command.addOption(new Option('--data <dir>').hideHelp());
    if (verb.more !== undefined) command.addHelpText('after', `\n${verb.more}`);
    command.action(() => onVerb(verb, { args: argumentsOf(command), options: command.opts() }));
  }
  for (const command of [
    program,
    ...program.commands,
    ...[...groups.values()].flatMap((g) => g.commands),
  ]) {
    command.exitOverride().configureOutput({
      writeOut: (text) => io.print(text.replace(/\n$/, '')),
      writeErr: (text) => io.note(text.replace(/\n$/, '')),
    });
  }
  return program;
}

/** The command that holds those of a group; a group may stand in another: `config draft`. */
function groupOf(
  program: Command,
  groups: Map<string, Command>,
  words: readonly string[],
): Command {
  if (words.length === 0) return program;
  const name = words.join(' ');
  const known = groups.get(name);
  if (known !== undefined) return known;
  const above = groupOf(program, groups, words.slice(0, -1));
  const group = above.command(words.at(-1) ?? '').description(GROUPS[name] ?? '');
  groups.set(name, group);
  return group;
}

function optionOf({ flags, about, choices, many }: VerbOption): Option {
  const option = new Option(flags, about);
  if (choices !== undefined) option.choices(choices);
  if (many === true)
    option.argParser((value: string, before: string[] | undefined) => [...(before ?? []), value]);
  return option;
}

function argumentsOf(command: Command): string[] {
  return command.args.filter((argument) => typeof argument === 'string');
}

function version(): string {
  const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');
  const file: unknown = JSON.parse(text);
  if (typeof file !== 'object' || file === null || !('version' in file)) return 'unknown';
  return typeof file.version === 'string' ? file.version : 'unknown';
}

function report(error: unknown, json: boolean, io: Io): ExitCode {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return EXIT.ok;
    // commander has told people already
    if (json) tell(usageError(error.message.replace(/^error: /, '')), io);
    return EXIT.usage;
  }
  const failure = asCliError(error);
  if (json) tell(failure, io);
  for (const line of failure.message.split('\n')) io.error(line);
  if (failure.fix !== undefined) io.note(`→ ${failure.fix}`);
  const id = failure.problem?.request_id;
  if (id !== undefined && id !== '') io.note(`  request ${id}`);
  return failure.exit;
}

function tell(failure: CliError, io: Io): void {
  io.print(visibleJson(problemOf(failure), 2));
}

/** Errors of other packages that carry a fix (the launcher's) keep it; anything else is a bug and says where. */
function asCliError(error: unknown): CliError {
  if (error instanceof CliError) return error;
  if (error instanceof Error && error.name === 'AbortError') return interrupted();
  if (error instanceof Error && error.name === 'LaunchError') {
    const fix = 'fix' in error && typeof error.fix === 'string' ? error.fix : undefined;
    return new CliError(EXIT.failed, error.message, { cause: error, fix });
  }
  if (error instanceof Error && 'code' in error && 'syscall' in error) {
    return new CliError(EXIT.failed, error.message, { cause: error });
  }
  const where = error instanceof Error ? (error.stack ?? '') : '';
  return new CliError(EXIT.failed, `a fault of the opmas command: ${messageOf(error)}\n${where}`, {
    cause: error,
  });
}
