/** `jobs` and `--rollout`: what is asked of the server, what is shown, and exit codes that scripts can rely on. */
import type { Job } from '@opmas/protocol';
import { afterEach, expect, test } from 'vitest';
import { EXIT } from '../exit-codes.ts';
import { type Answer, type Asked, agent, type Bench, bench, problem } from '../testing/bench.ts';

let open: Bench | undefined;
afterEach(async () => {
  await open?.stop();
  open = undefined;
});

async function serve(answer: (asked: Asked) => Answer): Promise<Bench> {
  open = await bench(answer);
  return open;
}

const ID = '0f8fad5b-d9cb-469f-a165-70867728950e';
const OTHER = '0f8e0000-d9cb-469f-a165-70867728950e';
const AT = '2026-01-01T00:00:00.000Z';

const job = (more: Partial<Job> = {}): Job => ({
  job_id: ID,
  kind: 'rollout',
  state: 'running',
  reason: 'Watches wave 1 (canary) for 30 s',
  deadline: AT,
  purpose: null,
  scope: 'fleet',
  from_version: 1,
  to_version: 2,
  back_version: null,
  action: null,
  arguments: null,
  selector: null,
  wave: 1,
  waves: [
    {
      wave: 1,
      size: '1',
      agents: 1,
      state: 'watching',
      reason: null,
      started_at: AT,
      applied_at: AT,
      deadline: AT,
      ended_at: null,
      gates: [{ gate: 'failures', limit: 0, reading: 0, closed: false, detail: null }],
    },
  ],
  gates: { max_failures: 0, max_error_rate: null, max_findings_change: null, settle_seconds: 30 },
  on_failure: 'rollback',
  pause_between: false,
  deadline_seconds: 300,
  agents: 5,
  counts: { pending: 4, running: 0, done: 1, failed: 0, expired: 0, skipped: 0, rolled_back: 0 },
  created_by: 'ann',
  created_at: AT,
  started_at: AT,
  ended_at: null,
  retry_of: null,
  draft_id: null,
  ...more,
});

const bodyOf = (asked: readonly Asked[]) => JSON.parse(asked.at(-1)?.body ?? '') as unknown;

test('jobs are listed with what they do and how their agents stand', async () => {
  const { run, asked } = await serve(() => ({ body: { items: [job()], next_cursor: null } }));
  const listed = await run(['jobs', 'ls', '--state', 'running', '--kind', 'rollout']);
  expect(listed.code).toBe(EXIT.ok);
  expect(listed.out).toContain('rollout of fleet, version 1 to 2');
  expect(listed.out).toContain('pending 4, done 1');
  expect(asked[0]?.query.get('state')).toBe('running');
  expect((await run(['jobs', 'ls', '--state', 'lost'])).code).toBe(EXIT.usage);
});

test('a job is shown with its waves, its gates and who failed', async () => {
  const failed = { ...job().counts, failed: 1 };
  const { run, asked } = await serve(({ path }) =>
    path.endsWith('/agents')
      ? {
          body: {
            items: [
              {
                agent_id: 'a-1',
                name: 'wifi_1',
                wave: 1,
                outcome: 'failed',
                reason: 'rejected: x: is bad',
                started_at: AT,
                ended_at: AT,
              },
            ],
            next_cursor: null,
          },
        }
      : { body: job({ counts: failed }) },
  );
  const shown = await run(['jobs', 'show', ID]);
  expect(shown.code).toBe(EXIT.ok);
  expect(shown.out).toContain('1, 1 agent: watching (failures 0 of 0)');
  expect(shown.out).toContain('rejected: x: is bad');
  expect(asked.at(-1)?.query.get('outcome')).toBe('failed');
  const all = await run(['jobs', 'show', ID, '--agents', '--json']);
  expect(all.json<{ name: string }[]>()).toMatchObject([{ name: 'wifi_1', outcome: 'failed' }]);
});

test('a job is named by the beginning of its id, if only one begins so', async () => {
  const items = [job(), job({ job_id: OTHER })];
  const { run, asked } = await serve(({ path }) =>
    path.endsWith('/jobs') ? { body: { items, next_cursor: null } } : { body: job() },
  );
  expect((await run(['jobs', 'pause', '0f8fa'])).code).toBe(EXIT.ok);
  expect(asked.at(-1)).toMatchObject({ method: 'POST', path: `/api/v1/jobs/${ID}/pause` });
  expect((await run(['jobs', 'pause', '0f8'])).code).toBe(EXIT.usage);
  expect((await run(['jobs', 'pause', 'ffff'])).code).toBe(EXIT.notFound);
  expect((await run(['jobs', 'pause', '../x'])).code).toBe(EXIT.usage);
});

test.each([
  [['pause'], 'pause', ''],
  [['resume'], 'resume', ''],
  [['retry'], 'retry', ''],
  [['cancel'], 'cancel', 'true'],
  [['cancel', '--keep'], 'cancel', 'false'],
])('%s asks for it', async ([command = '', ...options], verb, rollback) => {
  const { run, asked } = await serve(({ method }) => ({
    status: method === 'POST' ? 202 : 200,
    body: job(),
  }));
  expect((await run(['jobs', command, ID, ...options])).code).toBe(EXIT.ok);
  expect(asked.at(-1)).toMatchObject({ method: 'POST', path: `/api/v1/jobs/${ID}/${verb}` });
  expect(asked.at(-1)?.query.get('rollback') ?? '').toBe(rollback);
});

test.each([
  ['succeeded', EXIT.ok],
  ['rolled_back', EXIT.failed],
  ['failed', EXIT.failed],
  ['cancelled', EXIT.failed],
  ['expired', EXIT.failed],
] as const)('watch tells each change once, and ends with %s as %i', async (state, code) => {
  const course = [
    job(),
    job(),
    job({ wave: 1, reason: 'Begins wave 2' }),
    job({ state, reason: 'It is over', deadline: null }),
  ];
  let n = 0;
  const { run } = await serve(() => {
    n += 1;
    return { body: course[Math.min(n, course.length) - 1] };
  });
  const watched = await run(['jobs', 'watch', ID]);
  expect(watched.code).toBe(code);
  const lines = watched.out.split('\n');
  expect(lines).toHaveLength(3);
  expect(lines.at(-1)).toContain('It is over');
});

test('watch gives up after its time, and the job goes on', async () => {
  const { run } = await serve(() => ({ body: job() }));
  const late = await run(['jobs', 'watch', ID, '--timeout', '1']);
  expect(late.code).toBe(EXIT.timeout);
  expect(late.err).toContain('opmas jobs watch');
});

test('run asks for an action on those that are named, or chosen', async () => {
  const { run, asked } = await serve(({ path }) =>
    path.endsWith('/agents')
      ? { body: { items: [agent('wifi_1', 'wifi-1')], next_cursor: null } }
      : { status: 202, body: job({ kind: 'action', action: 'restart' }) },
  );
  const plan = ['--waves', '1, 50%', '--settle', '0', '--max-failures', '2', '--pause-between'];
  expect((await run(['jobs', 'run', 'restart', '--selector', 'type=wifi', ...plan])).code).toBe(
    EXIT.ok,
  );
  expect(bodyOf(asked)).toEqual({
    kind: 'action',
    action: 'restart',
    selector: 'type=wifi',
    waves: ['1', '50%'],
    gates: { max_failures: 2, settle_seconds: 0 },
    pause_between: true,
  });
  await run([
    'jobs',
    'run',
    'log-level',
    '--agent',
    'wifi_1',
    '--level',
    'DEBUG',
    '--expires',
    '60',
  ]);
  expect(bodyOf(asked)).toEqual({
    kind: 'action',
    action: 'log-level',
    agent_ids: ['wifi-1'],
    arguments: { level: 'debug', expires_in: 60 },
  });
  await run(['jobs', 'run', 'tags', '--agent', 'wifi_1', '--add', 'a', '--remove', 'b']);
  expect(bodyOf(asked)).toMatchObject({ arguments: { add: ['a'], remove: ['b'] } });
  for (const bad of [
    ['explode', '--selector', 'type=wifi'],
    ['restart'],
    ['restart', '--selector', 'type=wifi', '--agent', 'wifi_1'],
    ['restart', '--selector', 'type=wifi', '--max-error-rate', '2'],
    ['restart', '--selector', 'type=wifi', '--settle', '1.5'],
    ['log-level', '--selector', 'type=wifi', '--level', 'loud'],
  ]) {
    expect([bad, (await run(['jobs', 'run', ...bad])).code]).toEqual([bad, EXIT.usage]);
  }
});

test('config set --rollout makes a job of the whole layer, for the version that was read', async () => {
  const layer = { version: 4, config: { processing: { batch_size: 10 } } };
  const { run, asked } = await serve(({ path }) =>
    path.endsWith('/jobs')
      ? { status: 202, body: job({ state: 'succeeded', deadline: null }) }
      : { body: layer },
  );
  const set = ['config', 'set', '--fleet', 'monitoring.log_level=DEBUG', '--rollout'];
  const done = await run([...set, '--waves', '1,100%', '--watch', '--reason', 'look']);
  expect(done.code).toBe(EXIT.ok);
  expect(asked.at(-1)?.headers['if-match']).toBe('"4"');
  expect(bodyOf(asked)).toEqual({
    kind: 'rollout',
    scope: 'fleet',
    document: { processing: { batch_size: 10 }, monitoring: { log_level: 'DEBUG' } },
    reason: 'look',
    waves: ['1', '100%'],
  });
  await run(['config', 'rollback', '--group', 'berlin', '3', '--rollout', '--on-failure', 'pause']);
  expect(bodyOf(asked)).toEqual({
    kind: 'rollback',
    scope: 'group:berlin',
    version: 3,
    on_failure: 'pause',
  });
});

test('a rollout of one agent, and a plan without a rollout, are refused before anything is asked', async () => {
  const { run, asked } = await serve(({ path }) =>
    path.endsWith('/agents')
      ? { body: { items: [agent('wifi_1', 'wifi-1')], next_cursor: null } }
      : { body: { version: 1, config: {} } },
  );
  expect((await run(['config', 'set', 'wifi_1', 'a=1', '--rollout'])).code).toBe(EXIT.usage);
  expect((await run(['config', 'set', '--fleet', 'a=1', '--waves', '1'])).code).toBe(EXIT.usage);
  expect(asked.every(({ method }) => method === 'GET')).toBe(true);
});

test('a layer under rollout is a conflict that says how to go on', async () => {
  const { run } = await serve(() =>
    problem(409, 'OPMAS_CONFLICT', `Job ${ID} rolls it out (opmas jobs cancel ${ID})`),
  );
  const refused = await run(['jobs', 'resume', ID]);
  expect(refused.code).toBe(EXIT.conflict);
  expect(refused.err).toContain(`opmas jobs cancel ${ID}`);
});
