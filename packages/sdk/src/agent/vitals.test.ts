/** What an agent tells of itself at the right moment. */
import { expect, test } from 'vitest';
import { BaseAgent } from '../base-agent.ts';
import { testAgent } from '../testing/index.ts';

class Failing extends BaseAgent {
  override async processEvent(): Promise<void> {
    throw new Error('a bug');
  }
}

test('errors are told before another configuration takes the place of the one they were made under', async () => {
  const h = testAgent(Failing, { config: { processing: { max_retries: 1 } } });
  await h.start();
  const reports = () =>
    h.told.flatMap(({ kind, message }) => (kind === 'metrics' ? [message] : []));
  const set = (batch_size: number) => h.agent.updateConfig({ processing: { batch_size } });
  const before = reports().length;
  await set(10);
  expect(reports()).toHaveLength(before);
  await h.emit('logs.auth', { message: 'x' });
  await set(20);
  expect(reports()).toHaveLength(before + 1);
  expect(reports().at(-1)).toMatchObject({ metrics: { errors: 1 } });
  // Once: they are told.
  await set(30);
  expect(reports()).toHaveLength(before + 1);
});
