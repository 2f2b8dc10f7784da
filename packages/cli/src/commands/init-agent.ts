/** `opmas init agent NAME`: a package in the agents directory that passes its own test at once. */
import { relative } from 'node:path';
import { AgentError, scaffoldAgent } from '@opmas/sdk';
import { CliError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { given, type Run } from '../run.ts';

export async function initAgent(run: Run): Promise<ExitCode> {
  const { io, out, options } = run;
  const made = scaffold({
    name: run.args[0] ?? '',
    dir: run.path(options.text('dir') ?? (io.env['OPMAS_AGENTS_DIR'] || 'agents')),
    kind: options.flag('rules') ? 'rules' : 'code',
    ...given({ domain: options.text('domain') }),
  });
  const place = relative(io.cwd, made.path) || '.';
  const { path, agentName: agent_name, agentType: agent_type, topic, files } = made;
  out.done(
    { path, agent_name, agent_type, topic, files },
    `Made ${agent_name} in ${place} (${files.length} files, reads ${topic}).`,
  );
  if (!out.json) {
    io.note('Next:');
    io.note(`  npx vitest run ${place}    # its own test`);
    io.note('  opmas agents ls    # a running OPMAS has found it already');
    io.note(`  opmas events send --domain ${topic.replace('logs.', '')} "a log line"`);
  }
  return EXIT.ok;
}

function scaffold(options: Parameters<typeof scaffoldAgent>[0]): ReturnType<typeof scaffoldAgent> {
  try {
    return scaffoldAgent(options);
  } catch (error) {
    if (!(error instanceof AgentError)) throw error;
    const exit = error.code === 'OPMAS_CONFLICT' ? EXIT.conflict : EXIT.usage;
    throw new CliError(exit, error.message, { cause: error });
  }
}
