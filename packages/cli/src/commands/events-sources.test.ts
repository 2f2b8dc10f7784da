/** Where events come from, as a table and by filter. */
import { afterEach, expect, test } from 'vitest';
import { EXIT } from '../exit-codes.ts';
import { agent, type Bench, bench } from '../testing/bench.ts';

let open: Bench | undefined;
afterEach(async () => {
  await open?.stop();
  open = undefined;
});

const ROW = {
  agent_id: 'door-1',
  agent_name: 'Door',
  topic: 'logs.auth',
  host: 'ap-17',
  first_at: '2026-01-01T00:00:00.000Z',
  last_at: '2026-01-02T00:00:00.000Z',
  longest_gap: 100,
  silent_after: 300,
  silent: true,
};

test('lists the silent sources of one agent', async () => {
  const others = [
    { ...ROW, host: null, silent: false },
    { ...ROW, host: 'ap-18', silent: false, silent_after: null },
  ];
  open = await bench(({ path }) =>
    path.endsWith('/agents')
      ? { body: { items: [agent('Door', 'door-1')], next_cursor: null } }
      : { body: { items: [ROW, ...others], next_cursor: null } },
  );
  const outcome = await open.run(['events', 'sources', '--agent', 'Door', '--silent']);
  expect(outcome.code).toBe(EXIT.ok);
  expect(outcome.out).toMatch(/Door +logs.auth +ap-17 .* 300 s +silent/);
  expect(outcome.out).toMatch(/all .* ok/);
  expect(outcome.out).toMatch(/ap-18 .* new/);
  const query = open.asked.at(-1)?.query;
  expect([query?.get('agent_id'), query?.get('silent')]).toEqual(['door-1', 'true']);
});
