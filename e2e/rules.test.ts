/** A finding of the running product is proven, and its rules are tried on what the product recorded. */
import { waitFor } from '@opmas/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { limits } from './limits.ts';
import { type Product, startProduct } from './product.ts';

let product: Product;

beforeAll(async () => {
  product = await startProduct();
  await product.waitForAgents(4);
}, limits.startMs + limits.agentsMs);

afterAll(async () => {
  await product?.stop();
}, limits.stopMs * 2);

const MESSAGE = "Bad password attempt for 'root' from 198.51.100.77:40022";

test('a finding is proven by its event as recorded, and the rule that is tried tells the same', {
  timeout: limits.waitMs * 3,
}, async () => {
  const events = [{ message: MESSAGE, program: 'dropbear' }];
  expect((await product.call('POST', '/api/v1/events?domain=auth', { body: events })).status).toBe(
    202,
  );
  const finding = await waitFor(
    async () =>
      (await product.findings()).find(
        ({ details }) => details['rule_id'] === 'dropbear-bad-password',
      ),
    { timeoutMs: limits.waitMs, what: 'the finding' },
  );
  const proof = await product.call('GET', `/api/v1/findings/${finding?.finding_id}/proof`);
  expect(proof).toMatchObject({
    status: 200,
    body: {
      verdict: 'same',
      made_by: { agent_name: 'SecurityAgent', agent_version: '1.0.0' },
      rule: { rule_id: 'dropbear-bad-password', from: 'in_force' },
      event: {
        recorded: { subject: 'logs.auth', json: expect.stringContaining(MESSAGE) as string },
      },
    },
  });
  const rule = {
    id: 'any',
    name: 'Any',
    pattern: '198.51.100.77',
    severity: 'info',
    action: 'alert',
  };
  const body = { rules: [rule], agent_id: finding?.agent_id, last: 100 };
  expect(await product.call('POST', '/api/v1/rules/test', { body })).toMatchObject({
    status: 200,
    body: {
      source: 'recorded',
      findings: 1,
      difference: { gained: { count: 1 }, lost: { count: 1 } },
    },
  });
});
