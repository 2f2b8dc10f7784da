/** Rules are tried from the command line: what is asked of the server, what is shown, and the exit code. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { EXIT } from '../exit-codes.ts';
import { type Asked, agent, type Bench, bench } from '../testing/bench.ts';

let open: Bench | undefined;
afterEach(async () => {
  await open?.stop();
  open = undefined;
});

const RULES = [{ id: 'r1', name: 'R', pattern: 'bad', severity: 'warning', action: 'alert' }];
const ANSWER = {
  valid: true,
  errors: [],
  warnings: [],
  failed_examples: [],
  source: 'given',
  stopped: null,
  events: 2,
  matched: 1,
  findings: 1,
  rate: 500,
  ns_per_event: 120,
  rules: [{ rule_id: 'r1', name: 'R', matches: 1, findings: 1, rate: 500, cost_ns: 80 }],
  more_rules: 0,
  told: [],
  difference: null,
  steps: [
    {
      event_id: 'e',
      message: 'bad',
      rules: [
        { rule_id: 'r1', told: true, steps: [{ step: 'action', passed: true, text: 'alert' }] },
      ],
    },
  ],
};

async function serve(more: object = {}) {
  const it = await bench(({ path }: Asked) =>
    path.endsWith('/agents')
      ? { body: { items: [agent('Door', 'door-1')], next_cursor: null } }
      : { body: { ...ANSWER, ...more } },
  );
  open = it;
  const file = join(it.home, 'rules.json');
  writeFileSync(file, JSON.stringify(RULES));
  const body = () => JSON.parse(it.asked.at(-1)?.body ?? '') as Record<string, unknown>;
  return { ...it, file, body };
}

test('test sends events as JSON, as lines and from the command line, and shows each step', async () => {
  const { run, file, body, home } = await serve();
  writeFileSync(join(home, 'events'), '{"message":"bad","program":"x"}\nplain line\n');
  const outcome = await run([
    'rules',
    'test',
    file,
    '--events',
    join(home, 'events'),
    '--message',
    'm',
  ]);
  expect(outcome.code).toBe(EXIT.ok);
  expect(body()).toEqual({
    rules: RULES,
    events: [{ message: 'bad', program: 'x' }, { message: 'plain line' }, { message: 'm' }],
  });
  expect(outcome.out).toMatch(/findings +1, 500 per 1000 events/);
  expect(outcome.out).toContain('yes action: alert');
});

test('test fails with the path of what is wrong', async () => {
  const failed = [{ path: 'rules[0].examples.match.0', message: 'should match "x" and does not' }];
  const { run, file } = await serve({
    valid: false,
    source: 'none',
    failed_examples: failed,
    events: 0,
  });
  const outcome = await run(['rules', 'test', file]);
  expect(outcome.code).toBe(EXIT.failed);
  expect(outcome.out).toMatch(/rules\[0\]\.examples\.match\.0 +should match/);
});

test('dry-run names agent and range, and a difference is exit code 10', async () => {
  const told = { rule_id: 'r1', event_id: 'e', at: '2026-01-01T00:00:00.000Z', message: 'bad' };
  const difference = {
    agent_id: 'door-1',
    gained: { count: 1, examples: [told] },
    lost: { count: 0, examples: [] },
  };
  const { run, file, body } = await serve({ difference });
  const outcome = await run(['rules', 'dry-run', file, '--agent', 'Door', '--last', '500']);
  expect(outcome.code).toBe(EXIT.difference);
  expect(body()).toEqual({ rules: RULES, agent_id: 'door-1', last: 500 });
  expect(outcome.out).toContain('gained r1 2026-01-01T00:00:00.000Z bad');
});

test('dry-run asks whose events, and what is no list of rules is not sent', async () => {
  const { run, file, asked, home } = await serve();
  expect((await run(['rules', 'dry-run', file])).code).toBe(EXIT.usage);
  writeFileSync(join(home, 'none.json'), '{}');
  expect((await run(['rules', 'test', join(home, 'none.json')])).code).toBe(EXIT.usage);
  expect(asked.filter(({ method }) => method === 'POST')).toEqual([]);
});
