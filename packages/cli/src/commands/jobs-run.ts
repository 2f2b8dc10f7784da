/** `opmas jobs run`, and the plan of a job as options say it. */
import { type JobsCreateData, jobsCreate } from '@opmas/client';
import { JOB_ACTIONS, type Job, LOG_LEVELS } from '@opmas/protocol';
import { agentOf } from '../api/agent-ref.ts';
import type { Api } from '../api/api.ts';
import { usageError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { given, type Options, type Run } from '../run.ts';
import { follow } from './jobs-watch.ts';

type Body = JobsCreateData['body'];

export async function run(call: Run): Promise<ExitCode> {
  const { args, options } = call;
  const action = JOB_ACTIONS.find((each) => each === args[0]);
  if (action === undefined) {
    throw usageError(
      `${JSON.stringify(args[0])} is no action`,
      `One of: ${JOB_ACTIONS.join(', ')}`,
    );
  }
  const selector = options.text('selector');
  const refs = options.texts('agent');
  if ((selector === undefined) === (refs.length === 0)) {
    throw usageError('Say which agents: --selector, or --agent');
  }
  const plan = planOf(options);
  const values = argumentsOf(options);
  const api = await call.api();
  const ids: string[] = [];
  for (const ref of refs) ids.push((await agentOf(api, ref)).agent_id);
  return start(call, api, {
    kind: 'action',
    action,
    ...(Object.keys(values).length === 0 ? {} : { arguments: values }),
    ...(selector === undefined ? { agent_ids: [...new Set(ids)] } : { selector }),
    ...plan,
  });
}

/** Makes the job, and follows it with --watch. */
export async function start(
  call: Run,
  api: Api,
  body: Body,
  ifVersion?: number,
): Promise<ExitCode> {
  const { options, out } = call;
  const job: Job = await api.call((client) =>
    jobsCreate({
      client,
      body,
      ...(ifVersion === undefined ? {} : { headers: { 'If-Match': `"${ifVersion}"` } }),
    }),
  );
  if (options.flag('watch')) return follow(call, api, job);
  const waves = job.waves.map(({ agents }) => agents).join(' + ');
  out.done(job, `${job.job_id}: ${waves} agents; follow it: opmas jobs watch ${job.job_id}`);
  return EXIT.ok;
}

/** @throws {CliError} usage */
export function planOf(options: Options): Partial<Body> {
  const gates = given({
    max_failures: numberOf(options, 'maxFailures', { whole: true }),
    max_error_rate: numberOf(options, 'maxErrorRate', { max: 1 }),
    max_findings_change: numberOf(options, 'maxFindingsChange', {}),
    settle_seconds: numberOf(options, 'settle', { whole: true }),
  });
  const waves = options
    .text('waves')
    ?.split(',')
    .map((each) => each.trim());
  const onFailure = options.text('onFailure') as Body['on_failure'];
  return given({
    reason: options.text('reason'),
    waves,
    gates: Object.keys(gates).length === 0 ? undefined : gates,
    on_failure: onFailure,
    deadline_seconds: numberOf(options, 'deadline', { whole: true }),
    pause_between: options.flag('pauseBetween') ? true : undefined,
  });
}

function argumentsOf(options: Options): NonNullable<Body['arguments']> {
  const text = options.text('level');
  const level = LOG_LEVELS.find((each) => each === text?.toLowerCase());
  if (text !== undefined && level === undefined) {
    throw usageError(`--level must be ${LOG_LEVELS.join(', ')}`);
  }
  const [add, remove] = [options.texts('add'), options.texts('remove')];
  return given({
    level,
    expires_in: numberOf(options, 'expires', { whole: true }),
    add: add.length === 0 ? undefined : [...add],
    remove: remove.length === 0 ? undefined : [...remove],
  });
}

function numberOf(
  options: Options,
  name: string,
  { whole = false, max }: { whole?: boolean; max?: number },
): number | undefined {
  const text = options.text(name);
  if (text === undefined) return undefined;
  const fits = whole ? /^\d{1,9}$/.test(text) : /^\d{1,9}(\.\d{1,9})?$/.test(text);
  if (fits && (max === undefined || Number(text) <= max)) return Number(text);
  const flag = name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  throw usageError(
    `--${flag} ${JSON.stringify(text)} must be a ${whole ? 'whole number' : `number${max === undefined ? '' : ` from 0 to ${max}`}`}`,
  );
}
