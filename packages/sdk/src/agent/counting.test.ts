/** The dead letter of what did not happen: on which topic it was waited for, where that can be said. */
import { expect, test } from 'vitest';
import { BaseAgent } from '../base-agent.ts';
import { SILENT_HOST } from '../test/silent-host.ts';
import { fakeClock, testAgent } from '../testing/index.ts';

const START = Date.UTC(2026, 0, 1);

class Paging extends BaseAgent {
  constructor(...given: ConstructorParameters<typeof BaseAgent>) {
    super(...given);
    this.registerAction('page', () => Promise.reject(new Error('no pager')));
  }
}

test.each([
  ['is named when it is the only one', ['logs.auth'], 'logs.auth'],
  ['is empty when there are several', ['logs.auth', 'logs.wifi'], ''],
])('the topic %s', async (_, subscribed_topics, topic) => {
  const clock = fakeClock(START);
  const h = testAgent(Paging, { rules: [SILENT_HOST], config: { subscribed_topics }, clock });
  await h.emit('logs.auth', {
    event_id: 'e',
    host: 'ap-1',
    received_at: new Date(START).toISOString(),
  });
  await clock.tick(3_600_000);
  const absences = h.deadLetters.filter(({ error }) => error === 'no pager');
  expect(absences.length).toBeGreaterThan(0);
  for (const letter of absences) expect(letter.topic).toBe(topic);
  await h.stop();
});
