/** `config status`: the numbers, the reasons, and an exit code that scripts can rely on. */
import { afterEach, expect, test } from 'vitest';
import { EXIT } from '../exit-codes.ts';
import { type Answer, type Asked, agent, type Bench, bench } from '../testing/bench.ts';

let open: Bench | undefined;
afterEach(async () => {
  await open?.stop();
  open = undefined;
});

async function serve(answer: (asked: Asked) => Answer): Promise<Bench> {
  open = await bench(answer);
  return open;
}

const delivery = (name: string, state: string, reason: string | null) => ({
  agent_id: `${name}-1`,
  name,
  state,
  desired_hash: 'd'.repeat(64),
  running_hash: state === 'applied' ? 'd'.repeat(64) : null,
  healthy_hash: state === 'applied' ? 'd'.repeat(64) : null,
  healthy_version: state === 'applied' ? 4 : null,
  reason,
  errors: reason === null ? [] : [{ path: 'mode', message: reason }],
  since: '2026-01-01T00:00:00.000Z',
  offered_at: null,
  deadline: null,
  settled_at: null,
  attempts: 1,
});
const NONE = { pending: 0, applied: 0, rejected: 0, expired: 0 };

test('everybody in place is exit code 0; who is not is named with the reason, and it is 8', async () => {
  let items = [delivery('a', 'applied', null)];
  let counts = { ...NONE, applied: 1 };
  const { run, asked } = await serve(() => ({ body: { items, next_cursor: null, counts } }));
  const well = await run(['config', 'status']);
  expect(well).toMatchObject({ code: EXIT.ok });
  items = [delivery('b', 'rejected', 'is not one of mine')];
  counts = { ...NONE, applied: 1, rejected: 1 };
  const bad = await run(['config', 'status', '--state', 'rejected']);
  expect(bad.code).toBe(EXIT.partial);
  expect(bad.out).toContain('is not one of mine');
  expect(bad.err).toContain('applied 1, rejected 1');
  expect(asked.at(-1)?.query.get('state')).toBe('rejected');
  expect((await run(['config', 'status', '--state', 'lost'])).code).toBe(EXIT.usage);
});

test('one agent is shown with its instances and what failed on it; retry asks for another try', async () => {
  const detail = {
    ...delivery('a', 'rejected', 'no'),
    instances: [
      {
        instance_id: 'i1',
        running_hash: 'c'.repeat(64),
        attempted_hash: 'd'.repeat(64),
        healthy_hash: 'b'.repeat(64),
        healthy_version: 3,
        errors: [],
        last_heard: '2026-01-01T00:00:00.000Z',
      },
    ],
    left_behind: [{ topic: 'logs.wifi', unread: 3 }],
    failed: [{ hash: 'd'.repeat(64), errors: [], failed_at: '2026-01-01T00:00:00.000Z' }],
  };
  const { run, asked } = await serve(({ path }) =>
    path.includes('/config/delivery')
      ? { body: detail }
      : { body: { items: [agent('a', 'a-1')], next_cursor: null } },
  );
  const shown = await run(['config', 'status', 'a']);
  expect(shown.code).toBe(EXIT.partial);
  expect(shown.out).toContain('instance i1');
  expect(shown.out).toContain(`last healthy ${'b'.repeat(12)} (version 3)`);
  expect(shown.out).toContain('3 unread');
  const retried = await run(['config', 'retry', 'a']);
  expect(retried.code).toBe(EXIT.ok);
  expect(asked.at(-1)).toMatchObject({
    method: 'POST',
    path: '/api/v1/agents/a-1/config/delivery/retry',
  });
});
