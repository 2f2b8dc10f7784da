/** The API of jobs. */
import { Job, JobAgent, Page } from '@opmas/protocol';
import { type Operation, operation } from '../../operation.ts';
import type { JobsService } from './jobs.service.ts';
import { CancelQuery, JobAgentsQuery, JobBody, JobParams, JobsQuery } from './schemas.ts';

export function jobsOperations(options: {
  jobs: JobsService;
  /** Tells the engine that there is something to do. */
  jobsChanged: () => void;
  /** Tells whoever brings configurations to agents. */
  pushConfig: () => void;
}): Operation[] {
  const { jobs, jobsChanged, pushConfig } = options;
  const reading = {
    kind: 'unary',
    effect: 'read',
    permission: 'jobs:read',
    scope: 'reach',
  } as const;
  const writing = {
    kind: 'unary',
    effect: 'write',
    permission: 'jobs:write',
    scope: 'reach',
  } as const;
  return [
    operation({
      ...writing,
      id: 'jobs.create',
      summary:
        'Roll a layer out in waves, or do something to many agents; needs the permission for that, too',
      rest: { method: 'POST', path: '/jobs', status: 202, etag: true, tag: 'jobs' },
      body: JobBody,
      output: Job,
      run: async ({ body, ifMatch }, call) => {
        const job = await jobs.create(body, call, ifMatch);
        call.afterCommit(jobsChanged);
        call.afterCommit(pushConfig);
        return job;
      },
    }),
    operation({
      ...reading,
      id: 'jobs.list',
      summary: 'Jobs, newest first; of a caller who is limited to some agents, jobs of those alone',
      rest: { method: 'GET', path: '/jobs', tag: 'jobs' },
      query: JobsQuery,
      output: Page(Job),
      run: ({ query }, call) => jobs.list(call.db, query, call.reach),
    }),
    operation({
      ...reading,
      id: 'jobs.get',
      summary: 'A job: its state, its waves, what its gates say, how many agents stand where',
      rest: { method: 'GET', path: '/jobs/{job_id}', tag: 'jobs' },
      params: JobParams,
      output: Job,
      run: ({ params }, call) => jobs.get(call.db, params.job_id, call.reach),
    }),
    operation({
      ...reading,
      id: 'jobs.agents',
      summary: 'What has become of each agent of a job, by wave',
      rest: { method: 'GET', path: '/jobs/{job_id}/agents', tag: 'jobs' },
      params: JobParams,
      query: JobAgentsQuery,
      output: Page(JobAgent),
      run: ({ params, query }, call) => jobs.agents(call.db, params.job_id, query, call.reach),
    }),
    operation({
      ...writing,
      id: 'jobs.pause',
      summary: 'Begin no further wave until the job is resumed',
      rest: { method: 'POST', path: '/jobs/{job_id}/pause', tag: 'jobs' },
      params: JobParams,
      output: Job,
      run: ({ params }, call) => jobs.pause(params.job_id, call),
    }),
    operation({
      ...writing,
      id: 'jobs.resume',
      summary: 'Go on with a paused job, also where a gate has closed',
      rest: { method: 'POST', path: '/jobs/{job_id}/resume', tag: 'jobs' },
      params: JobParams,
      output: Job,
      run: async ({ params }, call) => {
        const job = await jobs.resume(params.job_id, call);
        call.afterCommit(jobsChanged);
        return job;
      },
    }),
    operation({
      ...writing,
      id: 'jobs.cancel',
      summary: 'End a job; a rollout goes back first, but with rollback=false',
      rest: { method: 'POST', path: '/jobs/{job_id}/cancel', status: 202, tag: 'jobs' },
      params: JobParams,
      query: CancelQuery,
      output: Job,
      run: async ({ params, query }, call) => {
        const job = await jobs.cancel(params.job_id, query, call);
        call.afterCommit(jobsChanged);
        return job;
      },
    }),
    operation({
      ...writing,
      id: 'jobs.retry',
      summary: 'A new job of the agents that an action failed on',
      rest: { method: 'POST', path: '/jobs/{job_id}/retry', status: 202, tag: 'jobs' },
      params: JobParams,
      output: Job,
      run: async ({ params }, call) => {
        const job = await jobs.retry(params.job_id, call);
        call.afterCommit(jobsChanged);
        return job;
      },
    }),
  ];
}
