/** `opmas jobs ls|show|watch|pause|resume|cancel|retry`. */
import {
  jobsAgents,
  jobsCancel,
  jobsGet,
  jobsList,
  jobsPause,
  jobsResume,
  jobsRetry,
} from '@opmas/client';
import {
  JOB_KINDS,
  JOB_STATES,
  type Job,
  type JobAgent,
  type JobKind,
  type JobState,
  type JobWave,
} from '@opmas/protocol';
import type { Api } from '../api/api.ts';
import { collect } from '../api/pages.ts';
import { CliError, usageError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { limits } from '../limits.ts';
import type { Column } from '../output/output.ts';
import { given, type Run } from '../run.ts';
import { countsOf, follow } from './jobs-watch.ts';

const COLUMNS: readonly Column<Job>[] = [
  { head: 'JOB', value: ({ job_id }) => job_id, whole: true },
  { head: 'STATE', value: ({ state }) => state, whole: true },
  { head: 'WHAT', value: whatOf, whole: true },
  { head: 'AGENTS', value: ({ agents }) => agents },
  { head: 'OUTCOMES', value: countsOf, whole: true },
  { head: 'BY', value: ({ created_by }) => created_by },
  { head: 'CREATED', value: ({ created_at }) => created_at, whole: true },
];

const AGENT_COLUMNS: readonly Column<JobAgent>[] = [
  { head: 'WAVE', value: ({ wave }) => wave },
  { head: 'AGENT', value: ({ name }) => name, whole: true },
  { head: 'OUTCOME', value: ({ outcome }) => outcome, whole: true },
  { head: 'WHY', value: ({ reason }) => reason },
];

/** Agents named by `jobs show` of each outcome. */
const NAMED = 10;

export async function list({ api: connect, options, out }: Run): Promise<ExitCode> {
  const filter = given({
    state: options.text('state') as JobState | undefined,
    kind: options.text('kind') as JobKind | undefined,
  });
  if (filter.state !== undefined && !JOB_STATES.includes(filter.state)) {
    throw usageError(`--state must be ${JOB_STATES.join(', ')}`);
  }
  if (filter.kind !== undefined && !JOB_KINDS.includes(filter.kind)) {
    throw usageError(`--kind must be ${JOB_KINDS.join(', ')}`);
  }
  const api = await connect();
  const jobs = await collect(options.limit(), (query) =>
    api.call((client) => jobsList({ client, query: { ...query, ...filter } })),
  );
  out.list(jobs, COLUMNS, 'No jobs.');
  return EXIT.ok;
}

export async function show(run: Run): Promise<ExitCode> {
  const { options, out } = run;
  const api = await run.api();
  const job = await jobOf(api, run.args[0] ?? '');
  if (options.flag('agents')) {
    const all = await collect(limits.listItems, (query) =>
      api.call((client) => jobsAgents({ client, path: { job_id: job.job_id }, query })),
    );
    out.list(all, AGENT_COLUMNS, 'No agents.');
    return EXIT.ok;
  }
  const failed: JobAgent[] = [];
  for (const outcome of ['failed', 'expired'] as const) {
    if (job.counts[outcome] === 0) continue;
    const query = { outcome, limit: NAMED };
    const path = { job_id: job.job_id };
    const { items } = await api.call((client) => jobsAgents({ client, path, query }));
    failed.push(...items);
  }
  out.one(job, [
    ['job', job.job_id],
    ['what', whatOf(job)],
    ['state', job.state],
    ['why', job.reason],
    ['purpose', job.purpose],
    ...(job.draft_id === null ? [] : [['draft', job.draft_id] as const]),
    ['deadline', job.deadline],
    ['created', `${job.created_at} by ${job.created_by}`],
    ['ended', job.ended_at],
    ['agents', `${job.agents}: ${countsOf(job)}`],
    ...job.waves.map((wave) => [`wave ${wave.wave}`, waveLine(wave)] as const),
    ...failed.map(({ name, reason }) => [`failed ${name}`, reason] as const),
  ]);
  return EXIT.ok;
}

export async function watch(run: Run): Promise<ExitCode> {
  const api = await run.api();
  return follow(run, api, await jobOf(api, run.args[0] ?? ''));
}

export const pause = (run: Run): Promise<ExitCode> =>
  change(run, (api, job_id) => api.call((client) => jobsPause({ client, path: { job_id } })));

export const resume = (run: Run): Promise<ExitCode> =>
  change(run, (api, job_id) => api.call((client) => jobsResume({ client, path: { job_id } })));

export const cancel = (run: Run): Promise<ExitCode> =>
  change(run, (api, job_id) =>
    api.call((client) =>
      jobsCancel({ client, path: { job_id }, query: { rollback: !run.options.flag('keep') } }),
    ),
  );

export const retry = (run: Run): Promise<ExitCode> =>
  change(run, (api, job_id) => api.call((client) => jobsRetry({ client, path: { job_id } })));

async function change(run: Run, ask: (api: Api, jobId: string) => Promise<Job>): Promise<ExitCode> {
  const api = await run.api();
  const { job_id: id } = await jobOf(api, run.args[0] ?? '');
  const job = await ask(api, id);
  run.out.done(job, `${job.job_id}: ${job.state}: ${job.reason}`);
  return EXIT.ok;
}

/** @throws {CliError} usage when it names several, not found when it names none */
async function jobOf(api: Api, ref: string): Promise<Job> {
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(ref)) {
    return api.call((client) => jobsGet({ client, path: { job_id: ref } }));
  }
  if (!/^[0-9a-f-]{1,36}$/i.test(ref)) {
    throw usageError(`${JSON.stringify(ref)} is no job`, 'See: opmas jobs ls');
  }
  const { items } = await api.call((client) =>
    jobsList({ client, query: { limit: limits.pageItems } }),
  );
  const fits = items.filter(({ job_id }) => job_id.startsWith(ref.toLowerCase()));
  const [only, ...others] = fits;
  if (only === undefined) {
    throw new CliError(EXIT.notFound, `No job begins with ${ref}`, { fix: 'See: opmas jobs ls' });
  }
  if (others.length === 0) return only;
  throw usageError(`${fits.length} jobs begin with ${ref}`, 'Say more of the id.');
}

/** `rollout of fleet, version 3 to 4`, `restart of type=wifi` */
function whatOf(job: Job): string {
  if (job.action !== null) {
    return job.selector === null ? job.action : `${job.action} of ${job.selector}`;
  }
  return `${job.kind} of ${job.scope}, version ${job.from_version} to ${job.to_version}`;
}

function waveLine({ size, agents, state, reason, gates }: JobWave): string {
  const readings = gates.map(
    ({ gate, reading, limit }) =>
      `${gate.replace('_', ' ')} ${reading === null ? '?' : Number(reading.toPrecision(3))} of ${limit}`,
  );
  const details = [...readings, ...(reason === null ? [] : [reason])];
  return `${size}, ${agents} ${agents === 1 ? 'agent' : 'agents'}: ${state}${details.length === 0 ? '' : ` (${details.join('; ')})`}`;
}
