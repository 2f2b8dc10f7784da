/** A proof is shown whole, and its verdict is the exit code. */
import { afterEach, expect, test } from 'vitest';
import { EXIT } from '../exit-codes.ts';
import { type Bench, bench } from '../testing/bench.ts';

let open: Bench | undefined;
afterEach(async () => {
  await open?.stop();
  open = undefined;
});

const proof = (verdict: string) => ({
  finding_id: 'f1',
  verdict,
  explanation: 'Because',
  made_by: {
    agent_id: 'a-1',
    agent_name: 'A',
    agent_version: '1.2.3',
    package_digest: 'd1gest',
    config_hash: 'c0nfig',
  },
  rule: { rule_id: 'r1', version: 'v1', from: 'in_force', document: null },
  event: {
    event_id: 'e1',
    recorded: {
      subject: 'logs.auth',
      sequence: 7,
      stored_at: '2026-01-01T00:00:00.000Z',
      json: '{"message":"m"}',
      sha256: '5ha',
    },
  },
});

test.each([
  ['same', EXIT.ok],
  ['not_same', EXIT.difference],
  ['event_gone', EXIT.partial],
  ['rule_gone', EXIT.partial],
  ['not_by_rule', EXIT.partial],
  ['not_decided', EXIT.partial],
])('%s is exit code %i', async (verdict, code) => {
  open = await bench(() => ({ body: proof(verdict) }));
  const outcome = await open.run(['findings', 'prove', 'f1']);
  expect(outcome.code).toBe(code);
  expect(open.asked[0]).toMatchObject({ method: 'GET', path: '/api/v1/findings/f1/proof' });
  for (const shown of ['1.2.3', 'd1gest', 'c0nfig', 'logs.auth 7', '{"message":"m"}', verdict]) {
    expect(outcome.out).toContain(shown);
  }
});
