/** Rules in service, as a table and by filter. */
import { afterEach, expect, test } from 'vitest';
import { EXIT } from '../exit-codes.ts';
import { agent, type Bench, bench } from '../testing/bench.ts';

let open: Bench | undefined;
afterEach(async () => {
  await open?.stop();
  open = undefined;
});

const ROW = {
  rule_id: 'brute-force',
  name: 'B',
  severity: 'error',
  kind: 'threshold',
  agents: [],
  agents_count: 2,
  hits: 12,
  last_hit: null,
  cost_ns: 81.4,
  slow: true,
  disabled: false,
};

const OUT = { ...ROW, rule_id: 'wide', disabled: true };

test('lists rules of one agent that have been silent', async () => {
  open = await bench(({ path }) =>
    path.endsWith('/agents')
      ? { body: { items: [agent('Door', 'door-1')], next_cursor: null } }
      : { body: { items: [ROW, OUT], next_cursor: null } },
  );
  const outcome = await open.run(['rules', 'ls', '--agent', 'Door', '--silent', '3600']);
  expect(outcome.code).toBe(EXIT.ok);
  expect(outcome.out).toMatch(/brute-force +threshold +2 +12 +- +81 +slow/);
  expect(outcome.out).toMatch(/wide .* disabled/);
  const query = open.asked.at(-1)?.query;
  expect([query?.get('agent_id'), query?.get('silent')]).toEqual(['door-1', '3600']);
});
