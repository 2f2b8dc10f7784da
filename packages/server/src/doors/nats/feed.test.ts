/** What every server hears of the others' changes, over the feed. */
import { waitFor } from '@opmas/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { silentLogger } from '../../kernel/logger.ts';
import { addAgent } from '../../testing/agents.ts';
import { LONG, testBus } from '../../testing/fleet.ts';
import { type TestServer, testServer } from '../../testing/server.ts';
import type { Feed } from '../ws/feed.ts';
import { receiveFeed } from './feed.ts';

let server: TestServer;
beforeAll(async () => {
  server = await testServer();
});
afterAll(() => server.stop());

test('another server hears that a configuration changed, and of nothing else as such', async () => {
  const agent = await addAgent(server.database, 'wifi');
  const bus = await testBus(server);
  let changes = 0;
  const stored: string[] = [];
  const feed = {
    start: () => undefined,
    stored: ({ type }: { type: string }) => void stored.push(type),
  } as unknown as Feed;
  const other = await receiveFeed({
    bus,
    feed,
    serverId: 'other',
    configChanged: () => {
      changes += 1;
    },
    logger: silentLogger,
  });
  try {
    const before = changes;
    await server.call('PUT', `/api/v1/agents/${agent}`, { body: { description: 'on the roof' } });
    await waitFor(() => stored.includes('agent.status'), LONG);
    expect(changes).toBe(before);
    const { status } = await server.call('PUT', `/api/v1/agents/${agent}/config`, {
      body: { processing: { timeout: 12 } },
    });
    expect(status).toBe(200);
    await waitFor(() => changes > before, LONG);
  } finally {
    await other.stop();
    await bus.close();
  }
});
