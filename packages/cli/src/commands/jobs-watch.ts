/** Follows a job to its end: a line for each change, and an exit code that says how it ended. */
import { setTimeout as delay } from 'node:timers/promises';
import { jobsGet } from '@opmas/client';
import type { Job } from '@opmas/protocol';
import type { Api } from '../api/api.ts';
import { CliError } from '../errors.ts';
import { EXIT, type ExitCode } from '../exit-codes.ts';
import { limits } from '../limits.ts';
import { visible } from '../output/visible.ts';
import type { Run } from '../run.ts';

/** @throws {CliError} timeout when `--timeout` is over before the job is */
export async function follow(run: Run, api: Api, first: Job): Promise<ExitCode> {
  const { io, options, out } = run;
  const seconds = options.count('timeout', 999_999_999);
  const end =
    seconds === undefined ? Number.POSITIVE_INFINITY : performance.now() + seconds * 1_000;
  const stop = io.onInterrupt();
  let job = first;
  let said = '';
  for (;;) {
    const line = progress(job);
    if (line !== said) out.event(job, () => visible(line));
    said = line;
    if (job.deadline === null) return job.state === 'succeeded' ? EXIT.ok : EXIT.failed;
    if (performance.now() >= end) {
      throw new CliError(EXIT.timeout, `The job is still ${job.state}: ${job.reason}`, {
        fix: `Look again: opmas jobs watch ${job.job_id}`,
      });
    }
    try {
      await delay(limits.jobPollMs, undefined, { signal: stop });
    } catch (error) {
      if (!stop.aborted) throw error;
      io.note(`The job goes on: opmas jobs watch ${job.job_id}`);
      return EXIT.interrupted;
    }
    job = await api.call((client) => jobsGet({ client, path: { job_id: first.job_id } }));
  }
}

/** `running  wave 2/3  done 5, running 3 of 50  Watches wave 2 for 30 s` */
export function progress(job: Job): string {
  const wave = job.wave === null ? '' : `wave ${job.wave}/${job.waves.length}  `;
  return `${job.state.padEnd(12)}  ${wave}${countsOf(job)} of ${job.agents}  ${job.reason}`;
}

export function countsOf({ counts }: Pick<Job, 'counts'>): string {
  const some = Object.entries(counts).filter(([, n]) => n > 0);
  return some.map(([outcome, n]) => `${outcome.replace('_', ' ')} ${n}`).join(', ');
}
