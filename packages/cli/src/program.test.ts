/** The outside of the command line: exit codes, streams, JSON, and who it says it is. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { freePort } from '@opmas/testkit';
import { afterEach, expect, test } from 'vitest';
import { EXIT } from './exit-codes.ts';
import { type Answer, type Asked, agent, type Bench, bench, problem } from './testing/bench.ts';

let open: Bench | undefined;
afterEach(async () => {
  await open?.stop();
  open = undefined;
});

async function serve(answer: (asked: Asked) => Answer): Promise<Bench> {
  open = await bench(answer);
  return open;
}

const page = (items: unknown[], next: string | null = null): Answer => ({
  body: { items, next_cursor: next },
});

test.each([
  [400, 'OPMAS_INVALID_REQUEST', EXIT.failed],
  [401, 'OPMAS_UNAUTHENTICATED', EXIT.forbidden],
  [403, 'OPMAS_FORBIDDEN', EXIT.forbidden],
  [404, 'OPMAS_NOT_FOUND', EXIT.notFound],
  [409, 'OPMAS_CONFLICT', EXIT.conflict],
  [412, 'OPMAS_VERSION_CONFLICT', EXIT.conflict],
  [500, 'OPMAS_INTERNAL', EXIT.failed],
  [503, 'OPMAS_DATABASE_UNAVAILABLE', EXIT.unreachable],
  [504, 'OPMAS_TIMEOUT', EXIT.timeout],
] as const)(
  'answer %i %s ends with its exit code, the problem on stdout',
  async (status, code, exit) => {
    const { run } = await serve(() => problem(status, code, 'what went wrong'));
    const outcome = await run(['packages', 'ls', '--json']);
    expect(outcome.code).toBe(exit);
    expect(outcome.json()).toMatchObject({ code, status, detail: 'what went wrong' });
    expect(outcome.err).toContain('error: what went wrong');
  },
);

test('without --json an error leaves stdout empty', async () => {
  const { run } = await serve(() => problem(404, 'OPMAS_NOT_FOUND', 'gone'));
  const outcome = await run(['packages', 'ls']);
  expect(outcome).toMatchObject({ code: EXIT.notFound, out: '' });
});

test('no server is exit code 7, with what to do', async () => {
  const { run } = await serve(() => ({}));
  const outcome = await run([
    'agents',
    'ls',
    '--json',
    '--url',
    `http://127.0.0.1:${await freePort()}`,
  ]);
  expect(outcome.code).toBe(EXIT.unreachable);
  expect(outcome.json()).toMatchObject({ code: 'OPMAS_API_UNREACHABLE' });
  expect(outcome.err).toContain('npm start');
});

test('something else on the port is an error that says so', async () => {
  const { run } = await serve(() => ({ status: 418, body: { tea: true } }));
  const outcome = await run(['agents', 'ls']);
  expect(outcome.code).toBe(EXIT.failed);
  expect(outcome.err).toContain('answered 418');
});

test.each([
  [['nosuch']],
  [['agents', 'inspect']],
  [['agents', 'ls', '--status', 'x']],
  [['agents', 'ls', '--limit', '0']],
  [['findings', 'ls', '--since', 'yesterday']],
  [['agents', 'ls', '--url', 'localhost:8080']],
  [['events', 'send']],
  [['api', 'GET', 'agents']],
])('%j is a usage error', async (args) => {
  const { run, asked } = await serve(() => page([]));
  const outcome = await run([...args, '--json']);
  expect(outcome.code).toBe(EXIT.usage);
  expect(outcome.json()).toMatchObject({ code: 'OPMAS_INVALID_REQUEST' });
  expect(asked).toEqual([]);
});

test('a list is a table for people and an array for programs', async () => {
  const { run } = await serve(() => page([agent('SecurityAgent', 'security-1')]));
  const people = await run(['agents', 'ls']);
  expect(people.out.split('\n')[0]).toMatch(/^NAME +STATUS/);
  expect(people.out).toContain('SecurityAgent  running');
  const programs = await run(['agents', 'ls', '--json']);
  expect(programs.json<unknown[]>()).toHaveLength(1);
});

test('hostile names reach a terminal harmless', async () => {
  const { run } = await serve(() => page([agent('x\u001b]0;owned\u0007', 'a-1')]));
  const { out } = await run(['agents', 'ls']);
  expect(out).toContain('x\\x1b]0;owned\\x07');
  expect(out).not.toContain('\u001b');
});

test('--all follows the cursor to the end; --limit stops where it says', async () => {
  const { run, asked } = await serve(({ query }) =>
    query.get('cursor') === null
      ? page([agent('A', 'a-1'), agent('B', 'a-2')].slice(0, Number(query.get('limit'))), 'c1')
      : page([agent('C', 'a-3')]),
  );
  expect((await run(['agents', 'ls', '--all', '--json'])).json()).toHaveLength(3);
  expect(asked.map(({ query }) => query.get('cursor'))).toEqual([null, 'c1']);
  expect((await run(['agents', 'ls', '--limit', '1', '--json'])).json()).toHaveLength(1);
  expect(asked).toHaveLength(3);
});

test('several agents, one failing: exit code 8 and each outcome', async () => {
  const { run } = await serve(({ method, path, query }) => {
    if (method === 'GET') return page([agent(query.get('q') ?? '', `${query.get('q')}-1`)]);
    if (path.includes('bad')) return problem(409, 'OPMAS_ILLEGAL_TRANSITION', 'not now');
    return {
      status: 202,
      body: {
        action_id: 'x',
        agent_id: 'good-1',
        command: 'restart',
        state: 'pending',
        reason: null,
        deadline: '',
      },
    };
  });
  const outcome = await run(['agents', 'restart', 'good', 'bad', '--json']);
  expect(outcome.code).toBe(EXIT.partial);
  expect(outcome.json()).toMatchObject([
    { state: 'pending' },
    { code: 'OPMAS_ILLEGAL_TRANSITION' },
  ]);
});

test('--wait ends with 6 when it does not happen in time', async () => {
  const action = {
    action_id: 'x',
    agent_id: 'a-1',
    command: 'stop',
    state: 'pending',
    reason: null,
    deadline: '',
  };
  const { run } = await serve(({ path, method }) =>
    method === 'POST'
      ? { status: 202, body: action }
      : path.includes('/actions/')
        ? { body: action }
        : page([agent('a', 'a-1')]),
  );
  const outcome = await run(['agents', 'stop', 'a', '--wait', '--timeout', '1']);
  expect(outcome.code).toBe(EXIT.timeout);
});

test('removing asks, and where nobody can be asked needs --yes', async () => {
  const { run, asked } = await serve(({ method }) =>
    method === 'DELETE' ? { status: 204 } : page([agent('a', 'a-1')]),
  );
  expect((await run(['agents', 'rm', 'a'])).code).toBe(EXIT.usage);
  expect(asked.some(({ method }) => method === 'DELETE')).toBe(false);
  expect((await run(['agents', 'rm', 'a', '--yes'])).code).toBe(EXIT.ok);
  expect(asked.at(-1)).toMatchObject({ method: 'DELETE', path: '/api/v1/agents/a-1' });
});

test('config set changes the keys it names, only if the version is still the one it read', async () => {
  const { run, asked } = await serve(({ method, path }) => {
    if (!path.endsWith('/config')) return page([agent('a', 'a-1')]);
    const config = { processing: { timeout: 3 } };
    return { body: { agent_id: 'a-1', version: method === 'PUT' ? 8 : 7, hash: 'h', config } };
  });
  const outcome = await run(['config', 'set', 'a', 'processing.batch_size=50', '--reason', 'more']);
  expect(outcome.code).toBe(EXIT.ok);
  const put = asked.find(({ method }) => method === 'PUT');
  expect(put?.headers['if-match']).toBe('"7"');
  expect(put?.query.get('reason')).toBe('more');
  expect(JSON.parse(put?.body ?? '')).toEqual({ processing: { timeout: 3, batch_size: 50 } });
});

test('api: never beyond the server, body from a file, status as exit code', async () => {
  const { run, asked, home } = await serve(({ path }) =>
    path === '/api/v1/missing' ? problem(404, 'OPMAS_NOT_FOUND', 'no') : { body: { yes: 1 } },
  );
  writeFileSync(`${home}/body.json`, '{"a":1}');
  expect(
    await run(['api', 'post', '/x', '--data', '@body.json', '-H', 'If-Match: "3"']),
  ).toMatchObject({
    code: EXIT.ok,
    out: '{"yes":1}',
  });
  expect(asked[0]).toMatchObject({ method: 'POST', path: '/api/v1/x', body: '{"a":1}' });
  expect(asked[0]?.headers).toMatchObject({
    'if-match': '"3"',
    'content-type': 'application/json',
  });
  expect((await run(['api', 'GET', '//evil.example/x'])).code).toBe(EXIT.usage);
  expect((await run(['api', 'GET', '/missing'])).code).toBe(EXIT.notFound);
  await run(['api', 'GET', '/health/live']);
  expect(asked.at(-1)?.path).toBe('/health/live');
});

test('OPMAS_TOKEN wins and is not renewed', async () => {
  const { run, asked } = await serve(() => problem(401, 'OPMAS_UNAUTHENTICATED', 'no'));
  const outcome = await run(['whoami'], { env: { OPMAS_TOKEN: 'tok' } });
  expect(outcome.code).toBe(EXIT.forbidden);
  expect(asked.map(({ headers }) => headers.authorization)).toEqual(['Bearer tok']);
});

test("the owner's token goes to the running instance of the data folder and to nobody else", async () => {
  const { run, asked, home, url } = await serve(() => page([]));
  mkdirSync(`${home}/data/run`, { recursive: true });
  writeFileSync(`${home}/data/run/local.token`, 'owner-secret\n');
  const stat = readFileSync(`/proc/${process.pid}/stat`, 'utf8');
  const startTime = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  const up = (start: unknown, at: string) =>
    writeFileSync(
      `${home}/data/run/up.json`,
      JSON.stringify({ pid: process.pid, start_time: start, boot_id: 'x', url: at }),
    );
  up(startTime, url);
  await run(['agents', 'ls']);
  up('1', url); // a run file of a process that is gone
  await run(['agents', 'ls']);
  up(startTime, 'http://127.0.0.1:1');
  await run(['agents', 'ls']);
  expect(asked.map(({ headers }) => headers.authorization)).toEqual([
    'Bearer owner-secret',
    undefined,
    undefined,
  ]);
});

test('login keeps the session privately; logout ends and forgets it', async () => {
  const pair = { access_token: 'a1', refresh_token: 'r1', token_type: 'Bearer', expires_in: 900 };
  const { run, asked, home } = await serve(({ path }) =>
    path.endsWith('/login')
      ? { body: pair }
      : path.endsWith('/logout')
        ? { status: 204 }
        : page([]),
  );
  const login = await run(['login', '-u', 'anna', '--password-stdin'], { stdin: 'se cret\nmore' });
  expect(login.code).toBe(EXIT.ok);
  expect(JSON.parse(asked[0]?.body ?? '')).toEqual({ username: 'anna', password: 'se cret' });
  const file = `${home}/.config/opmas/credentials.json`;
  expect(statSync(file).mode & 0o777).toBe(0o600);
  await run(['agents', 'ls']);
  expect(asked.at(-1)?.headers.authorization).toBe('Bearer a1');
  expect((await run(['logout'])).code).toBe(EXIT.ok);
  expect(JSON.parse(asked.at(-1)?.body ?? '')).toEqual({ refresh_token: 'r1' });
  expect(readFileSync(file, 'utf8')).not.toContain('r1');
});

test('an ended access token is renewed once, however many commands need it at a time', async () => {
  let refreshes = 0;
  const { run, asked, home, url } = await serve(({ path, body }) => {
    if (!path.endsWith('/refresh')) return page([]);
    refreshes += 1;
    // A refresh token used twice closes the session.
    if (refreshes > 1) return problem(401, 'OPMAS_TOKEN_INVALID', `used: ${body}`);
    return {
      body: { access_token: 'a2', refresh_token: 'r2', token_type: 'Bearer', expires_in: 900 },
    };
  });
  saveLogin(home, url, '2020-01-01T00:00:00.000Z');
  const outcomes = await Promise.all([1, 2, 3, 4].map(() => run(['agents', 'ls'])));
  expect(outcomes.map(({ code }) => code)).toEqual([0, 0, 0, 0]);
  expect(refreshes).toBe(1);
  const lists = asked.filter(({ path }) => path.endsWith('/agents'));
  expect(new Set(lists.map(({ headers }) => headers.authorization))).toEqual(
    new Set(['Bearer a2']),
  );
});

test('a token refused before its time is renewed and the request made again', async () => {
  const { run, asked, home, url } = await serve(({ path, headers }) => {
    if (path.endsWith('/refresh')) {
      return {
        body: { access_token: 'a2', refresh_token: 'r2', token_type: 'Bearer', expires_in: 900 },
      };
    }
    return headers.authorization === 'Bearer a2'
      ? page([])
      : problem(401, 'OPMAS_UNAUTHENTICATED', 'no');
  });
  saveLogin(home, url, new Date(Date.now() + 3_600_000).toISOString());
  expect((await run(['agents', 'ls'])).code).toBe(EXIT.ok);
  expect(asked.map(({ path }) => path)).toEqual([
    '/api/v1/agents',
    '/api/v1/auth/refresh',
    '/api/v1/agents',
  ]);
});

test('a session the server has ended is forgotten', async () => {
  const { run, home, url } = await serve(() => problem(401, 'OPMAS_TOKEN_INVALID', 'ended'));
  saveLogin(home, url, '2020-01-01T00:00:00.000Z');
  const outcome = await run(['agents', 'ls']);
  expect(outcome.code).toBe(EXIT.forbidden);
  expect(outcome.err).toContain('opmas login');
  expect(readFileSync(`${home}/.config/opmas/credentials.json`, 'utf8')).not.toContain('r1');
});

test('doctor works without a running OPMAS: a failure has its fix, --strict counts warnings', async () => {
  const { run, home } = await serve(() => ({}));
  const taken = createServer().listen(0, '127.0.0.1');
  const address = await new Promise<number>((resolve) => {
    taken.once('listening', () => {
      const at = taken.address();
      resolve(typeof at === 'object' && at !== null ? at.port : 0);
    });
  });
  const env = {
    OPMAS_HTTP_PORT: String(address),
    OPMAS_SYSLOG_PORT: '0',
    PATH: process.env['PATH'] ?? '',
  };
  const bad = await run(['doctor', '--json'], { env });
  taken.close();
  expect(bad.code).toBe(EXIT.failed);
  const checks = bad.json<{ check: string; status: string; fix?: string }[]>();
  expect(checks.find(({ check }) => check === 'port http')).toMatchObject({
    status: 'fail',
    fix: expect.stringContaining('OPMAS_HTTP_PORT') as string,
  });
  expect(checks.find(({ check }) => check === 'agents directory')).toMatchObject({
    status: 'fail',
  });
  expect(checks.filter(({ status, fix }) => status !== 'ok' && fix === undefined)).toEqual([]);
  mkdirSync(`${home}/agents`);
  const better = await run(['doctor', '--json', '--strict'], {
    env: { ...env, OPMAS_HTTP_PORT: '0' },
  });
  expect(better.json<{ status: string }[]>().filter(({ status }) => status === 'fail')).toEqual([]);
  expect(better.code).toBe(EXIT.difference);
});

test('wrong settings are told all at once', async () => {
  const { run } = await serve(() => ({}));
  const outcome = await run(['up', '--json'], {
    env: { OPMAS_HTTP_PORT: 'x', OPMAS_LOG_LEVEL: 'loud' },
  });
  expect(outcome.code).toBe(EXIT.usage);
  expect(outcome.err).toContain('OPMAS_HTTP_PORT');
  expect(outcome.err).toContain('OPMAS_LOG_LEVEL');
});

test('init agent makes a package once', async () => {
  const { run, home } = await serve(() => ({}));
  const first = await run(['init', 'agent', 'door_agent', '--rules', '--json']);
  expect(first.code).toBe(EXIT.ok);
  expect(first.json()).toMatchObject({
    path: `${home}/agents/door_agent`,
    agent_name: 'DoorAgent',
  });
  expect((await run(['init', 'agent', 'door_agent'])).code).toBe(EXIT.conflict);
  expect((await run(['init', 'agent', '../x'])).code).toBe(EXIT.usage);
});

test.each(['bash', 'zsh', 'fish'])('completion for %s names the verbs', async (shell) => {
  const { run } = await serve(() => ({}));
  const { out } = await run(['completion', shell]);
  for (const word of ['agents', 'findings', 'restart']) expect(out).toContain(word);
});

test.each([
  ['con', 'config'],
  ['config ', 'validate'],
  ['config dr', 'draft'],
  ['config draft ', 'rebase'],
  ['config draft rebase --p', '--prefer'],
  ['agents ls --st', '--status'],
])('bash completes %j with %s', async (typed, expected) => {
  const { run } = await serve(() => ({}));
  const { out } = await run(['completion', 'bash']);
  const line = ['opmas', ...typed.split(' ')];
  const words = line.map((word) => `'${word}'`).join(' ');
  const script = `${out}\nCOMP_WORDS=(${words}); COMP_CWORD=${line.length - 1}; _opmas; echo "\${COMPREPLY[*]}"`;
  const { stdout } = spawnSync('bash', ['-c', script], { encoding: 'utf8' });
  expect(stdout.trim().split(' ')).toContain(expected);
});

test('--version and --help are data', async () => {
  const { run } = await serve(() => ({}));
  const root: unknown = JSON.parse(
    readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'),
  );
  expect(await run(['--version'])).toMatchObject({
    code: 0,
    out: (root as { version: string }).version,
  });
  expect((await run(['agents', 'logs', '--help'])).out).toContain('--follow');
});

function saveLogin(home: string, url: string, expiresAt: string): void {
  mkdirSync(`${home}/.config/opmas`, { recursive: true });
  const login = {
    username: 'anna',
    access_token: 'a1',
    refresh_token: 'r1',
    expires_at: expiresAt,
  };
  writeFileSync(
    `${home}/.config/opmas/credentials.json`,
    JSON.stringify({ logins: { [url]: login } }),
  );
}
