/** `opmas config diff|validate|schema`: what changed, what would change, and what may be written. */
import { configsFleetSchema, configsSchema } from '@opmas/client';
import { agentOf } from '../api/agent-ref.ts';
import { usageError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { given, type Run } from '../run.ts';
import { objectOf } from './config.ts';
import { type Target, targetOf } from './config-target.ts';
import { parseJson, readInput } from './read-input.ts';

type Validation = Awaited<ReturnType<Target['validate']>>;
type Change = Validation['diff']['changes'][number];

/** Between two versions of a layer; exit code 10 when there is a difference. */
export async function diff(run: Run): Promise<ExitCode> {
  const { out } = run;
  const target = await targetOf(run);
  const range = given({ from: versionOption(run, 'from'), to: versionOption(run, 'to') });
  const answer = await target.diff(range);
  if (out.json) out.done(answer, '');
  else for (const line of changeLines(answer)) out.event(answer, () => line);
  if (answer.changes.length === 0 && !out.json) {
    run.io.note(`No difference between versions ${answer.from} and ${answer.to}.`);
  }
  return answer.changes.length === 0 ? EXIT.ok : EXIT.difference;
}

/** What putting this file in force would do; exit code 1 when it is not valid. */
export async function validate(run: Run): Promise<ExitCode> {
  const { io, out } = run;
  const target = await targetOf(run);
  const file = target.rest[0];
  if (file === undefined) throw usageError('Say which file; - is stdin');
  const from = file === '-' ? 'stdin' : file;
  const document = objectOf(parseJson(await readInput(run, file), from), from);
  const answer = await target.validate(document);
  if (out.json) out.done(answer, '');
  else {
    for (const line of reportLines(answer)) out.event(answer, () => line);
    if (answer.valid) io.note(`Valid for ${target.label}.`);
  }
  return answer.valid ? EXIT.ok : EXIT.failed;
}

/** For `$schema` in files: editors complete and check as one types. */
export async function schema({ api: connect, args, io }: Run): Promise<ExitCode> {
  const api = await connect();
  const [ref] = args;
  const agent = ref === undefined ? undefined : await agentOf(api, ref);
  const answer = await api.call((client) =>
    agent === undefined
      ? configsFleetSchema({ client })
      : configsSchema({ client, path: { agent_id: agent.agent_id } }),
  );
  io.print(JSON.stringify(answer, null, 2));
  return EXIT.ok;
}

export function errorLines({ errors }: Pick<Validation, 'errors'>): string[] {
  return errors.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`));
}

/** Faults, the layer's own changes, and the agents that follow. */
export function reportLines(answer: Omit<Validation, 'version'>): string[] {
  const { counts, affected } = answer;
  return [
    ...errorLines(answer).map((line) => `error  ${line}`),
    ...changeLines(answer.diff),
    `reaches ${counts.reached} agents, ${counts.changed} change, ${counts.restart} restart, ${counts.reprovision} get other topics`,
    ...affected.flatMap((agent) => [
      `${agent.name}${agent.restart ? ' (restarts)' : ''}`,
      ...changeLines(agent).map((line) => `  ${line}`),
    ]),
  ];
}

export function changeLines({
  changes,
  more,
}: {
  changes: readonly Change[];
  more: number;
}): string[] {
  const lines = changes.map((change) => {
    const text = (value: unknown) => JSON.stringify(value);
    if (!('before' in change)) return `+ ${change.path}  ${text(change.after)}`;
    if (!('after' in change)) return `- ${change.path}  ${text(change.before)}`;
    return `~ ${change.path}  ${text(change.before)} -> ${text(change.after)}`;
  });
  return more > 0 ? [...lines, `… and ${more} more`] : lines;
}

/** Version 0 is the empty one before the first. */
function versionOption({ options }: Run, name: string): number | undefined {
  const text = options.text(name);
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw usageError(`--${name} ${JSON.stringify(text)} is no version`, 'See: opmas config history');
}
