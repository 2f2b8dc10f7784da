/** What a hostile server, agent or log line can do to the terminal of whoever looks: nothing. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Bench, bench, problem } from './testing/bench.ts';

/** Clears the screen, sets the title, writes the clipboard, moves up, answers a report, hides, reorders. */
const EVIL =
  'x\u001b[2J\u001b]0;owned\u0007\u001b]52;c;ZXZpbA==\u0007\u009b31m\u001b[1A\r\u001b[6n\u0008\u202egnp.exe\u200b\u2028\ny';
const AGENT_ID = 'test-00000000-0000-4000-8000-000000000000';

const record = {
  ...Object.fromEntries(
    [
      'name description status reason type version agent_name topic severity message level username',
      'kind id role actor action object outcome remote path folder state digest author created_by',
    ]
      .join(' ')
      .split(' ')
      .map((field) => [field, EVIL]),
  ),
  agent_id: AGENT_ID,
  finding_id: EVIL,
  token_id: EVIL,
  timestamp: EVIL,
  created_at: EVIL,
  updated_at: EVIL,
  last_heartbeat: EVIL,
  tags: [EVIL],
  roles: [EVIL],
  grants: [{ permission: EVIL }],
  conditions: [{ type: EVIL, reason: EVIL, message: EVIL, since: EVIL }],
  errors: [{ code: EVIL, message: EVIL }],
  warnings: [{ code: EVIL, message: EVIL }],
  details: { [EVIL]: EVIL, event: { [EVIL]: EVIL } },
  metrics: { [EVIL]: EVIL },
  signature: { key_id: EVIL, publisher: EVIL },
  approved_by: EVIL,
  context: { [EVIL]: EVIL },
  config: { [EVIL]: EVIL },
  limits: {},
  topics: [EVIL],
  subscribed_topics: [EVIL],
  replicas: 1,
  restarts: 0,
  versions: [],
  version: 1,
  document: { [EVIL]: EVIL },
};

let server: Bench;
let failing: Bench;
beforeAll(async () => {
  server = await bench(({ path }) => ({
    body: /\/(agents|findings|packages|roles|tokens|audit|users|history|logs)$/.test(path)
      ? { items: [record], next_cursor: null }
      : record,
  }));
  failing = await bench(() => problem(409, 'OPMAS_CONFLICT', EVIL));
});
afterAll(() => Promise.all([server.stop(), failing.stop()]));

const COMMANDS = [
  ['agents', 'ls'],
  ['agents', 'inspect', AGENT_ID],
  ['agents', 'logs', AGENT_ID],
  ['findings', 'ls'],
  ['findings', 'show', 'f'],
  ['packages', 'ls'],
  ['roles', 'ls'],
  ['tokens', 'ls'],
  ['config', 'get', AGENT_ID],
  ['config', 'history', AGENT_ID],
  ['whoami'],
  ['api', 'GET', '/agents'],
];

const FORBIDDEN = /[\p{Cc}\u202a-\u202e\u200b\u2028]/u;

describe('X6 terminal escapes stay text', () => {
  test.each(
    COMMANDS.flatMap((command) => {
      const list = command[1] === 'ls';
      return [command, [...command, '--json'], ...(list ? [[...command, '--csv']] : [])];
    }).map((command) => [command.join(' '), command] as const),
  )('opmas %s', async (_, command) => {
    const { out } = await server.run(command, { env: { OPMAS_TOKEN: 'x' } });
    expect(out.replaceAll('\n', '')).not.toMatch(FORBIDDEN);
    // The text is there all the same, or the test would prove nothing.
    expect(out).toMatch(/x(\\x1b|\\\\x1b|\\u001b)/);
  });

  test('in an error of the server, on both streams of the real process', async () => {
    const outcome = await new Promise<{ out: string; err: string }>((resolve) => {
      execFile(
        process.execPath,
        [join(import.meta.dirname, 'main.ts'), 'agents', 'ls', '--json'],
        {
          env: {
            PATH: process.env['PATH'],
            HOME: failing.home,
            OPMAS_URL: failing.url,
            OPMAS_TOKEN: 'x',
          },
        },
        (_error, out, err) => resolve({ out, err }),
      );
    });
    for (const said of [outcome.out, outcome.err]) {
      expect(said).toMatch(/x\\(x1b|u001b)/);
      expect(said.replaceAll('\n', '')).not.toMatch(FORBIDDEN);
    }
  });

  test('--csv goes with lists only, and not with --json or --follow', async () => {
    for (const command of [
      ['findings', 'ls', '--csv', '--json'],
      ['findings', 'ls', '--csv', '--follow'],
      ['agents', 'inspect', AGENT_ID, '--csv'],
    ]) {
      expect((await server.run(command, { env: { OPMAS_TOKEN: 'x' } })).code).toBe(2);
    }
  });
});
