/** Sources that fell silent are found by their own rhythm, and nobody is because its agent was. */
import { type Bus, publishDurable } from '@opmas/bus';
import type { Agent } from '@opmas/protocol';
import { waitFor } from '@opmas/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { itemsOf, LONG, registeredAgent, testBus } from '../../testing/fleet.ts';
import { type TestServer, testServer } from '../../testing/server.ts';
import type { Source } from './schemas.ts';
import { trimSources } from './sources.store.ts';

let server: TestServer;
let bus: Bus;
let agent: Agent;

beforeAll(async () => {
  server = await testServer();
  bus = await testBus(server);
  agent = await registeredAgent(server, 'Listening');
});
afterAll(async () => {
  await bus.close();
  await server.stop();
});

const HOUR = 3_600;
const ago = (seconds: number) => new Date(Date.now() - seconds * 1_000).toISOString();
let published = 0;

async function report(
  sources: object[] | undefined,
  { at = ago(0), instance_id = 'i1', partial = undefined as string | undefined } = {},
) {
  published += 1;
  const message = { agent_id: agent.agent_id, timestamp: at, instance_id, metrics: {} };
  await publishDurable(
    bus,
    `opmas.metrics.${agent.name}`,
    JSON.stringify({ ...message, sources, sources_partial_at: partial }),
    {
      msgId: `sources-${published}`,
    },
  );
}

async function list(query = ''): Promise<Source[]> {
  const { body, status } = await server.call('GET', `/api/v1/sources?${query}`);
  expect(status, JSON.stringify(body)).toBe(200);
  return itemsOf<Source>(body);
}

const source = (host: string, lastAgo: number, over: object = {}) => ({
  topic: 'logs.security',
  host,
  first_at: ago(24 * HOUR),
  last_at: ago(lastAgo),
  beats: 50,
  longest_gap: 60,
  ...over,
});

test('who was heard regularly and then no more is silent, by its own rhythm', async () => {
  await report(
    [
      source('quick', 400),
      source('slow', 2_000, { longest_gap: 900 }),
      source('lively', 10),
      // Once, and in one burst: no rhythm.
      source('once', 2 * HOUR, { beats: 3 }),
      source('burst', 2 * HOUR + 60, { first_at: ago(2 * HOUR + 90) }),
    ],
    { at: ago(200) },
  );
  await waitFor(async () => (await list()).length === 5, LONG);
  // The agent said nothing for as long: who knows what it heard since?
  expect(await list('silent=true')).toEqual([]);
  await report([]);
  await waitFor(async () => (await list('silent=true')).length === 1, LONG);
  expect(await list('silent=true')).toMatchObject([
    { agent_name: 'Listening', topic: 'logs.security', host: 'quick', silent_after: 300 },
  ]);
  expect(await list()).toMatchObject([
    { host: 'burst', silent: false, silent_after: null },
    { host: 'once', silent_after: null },
    { host: 'slow', silent: false, silent_after: 2_700 },
    { host: 'quick', silent: true },
    { host: 'lively', silent: false },
  ]);
});

test('a page goes on where the last ended, and a cursor that is none is refused', async () => {
  const hosts: (string | null)[] = [];
  for (let cursor = ''; ; ) {
    const { body } = await server.call('GET', `/api/v1/sources?limit=2${cursor}`);
    hosts.push(...itemsOf<Source>(body).map(({ host }) => host));
    const { next_cursor } = body as { next_cursor: string | null };
    if (next_cursor === null) break;
    cursor = `&cursor=${next_cursor}`;
  }
  expect(hosts).toEqual(['burst', 'once', 'slow', 'quick', 'lively']);
  const bad = Buffer.from(JSON.stringify(['yesterday', 'x'])).toString('base64url');
  expect(await server.call('GET', `/api/v1/sources?cursor=${bad}`)).toMatchObject({
    status: 400,
    body: { code: 'OPMAS_INVALID_REQUEST' },
  });
  expect(await list('agent_id=test-none')).toEqual([]);
});

test('nobody is missed for a time in which not every host was noted', async () => {
  await report([source('', 2 * HOUR, { host: undefined })], { partial: ago(60) });
  await waitFor(async () => (await list('silent=true'))[0]?.host === null, LONG);
  expect(await list('silent=true')).toMatchObject([{ topic: 'logs.security', host: null }]);
  expect((await list()).find(({ host }) => host === 'quick')).toMatchObject({ silent: false });
});

test('an instance after another goes on with the rhythm, and nobody is heard in the future', async () => {
  await report(
    [
      source('quick', -HOUR, { first_at: ago(0), beats: 1, longest_gap: 0 }),
      source('lively', 5, { first_at: ago(5), beats: 1, longest_gap: 0, host: undefined }),
    ],
    { instance_id: 'i2', at: ago(-HOUR) },
  );
  await waitFor(async () => (await list('silent=true')).length === 0, LONG);
  const quick = (await list()).find(({ host }) => host === 'quick');
  expect(Date.parse(quick?.last_at ?? '')).toBeLessThanOrEqual(Date.now());
  expect(quick).toMatchObject({ silent_after: 300, silent: false });
  expect(quick?.longest_gap).toBeGreaterThan(55);
  expect((await list()).filter(({ host }) => host === null)).toHaveLength(1);
  // A report that comes late takes nothing back.
  await report([source('quick', 3 * HOUR)]);
  await report([source('marker', 1)]);
  await waitFor(async () => (await list()).some(({ host }) => host === 'marker'), LONG);
  expect((await list()).find(({ host }) => host === 'quick')?.last_at).toBe(quick?.last_at);
});

test('what was not heard for long is forgotten', async () => {
  await trimSources(server.database.pool, new Date(Date.now() - HOUR * 1_000));
  expect((await list()).map(({ host }) => host)).not.toContain('burst');
  expect(await list()).not.toEqual([]);
});
