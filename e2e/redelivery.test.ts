/** A finding whose acknowledgement is lost after its commit comes again: one row, one announcement. */
import { copyFileSync } from 'node:fs';
import {
  apiPrefix,
  type Bus,
  connectBus,
  consumerInfo,
  ensureConsumer,
  publishDurable,
  serverPermissions,
  storedMessage,
  streamInfo,
} from '@opmas/bus';
import type { Finding } from '@opmas/protocol';
import { type TestServer, testServer } from '@opmas/server/testing';
import { waitFor } from '@opmas/testkit';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type FeedClient, feedClient } from './feed-client.ts';
import { limits } from './limits.ts';

const FINDINGS = 100;
const CONSUMER = { stream: 'FINDINGS', consumer: 'server-findings' };

let server: TestServer;
let admin: Bus;
let database: pg.Client;
let feed: FeedClient;

beforeAll(async () => {
  server = await testServer();
  const user = server.nats.credsFor('admin');
  const quiet = { debug() {}, info() {}, warn() {}, error() {} };
  admin = await connectBus({
    url: server.nats.url,
    name: 'admin',
    credentials: () => user,
    logger: quiet,
  });
  database = new pg.Client(server.testDatabase.superUrl);
  await database.connect();
  await database.query(
    `INSERT INTO agents (id, name, type, version, status, findings_topic, default_config, created_at, updated_at)
     VALUES ('security-1', 'SecurityAgent', 'security', '1.0.0', 'registered', 'findings.security', '{"findings_topic": "findings.security"}', now(), now())`,
  );
}, limits.startMs);

afterAll(async () => {
  feed?.close();
  await database?.end();
  await admin?.close();
  await server?.stop();
}, limits.stopMs);

/** The broker refuses the server's acknowledgements of findings from its next connection on, or takes them. */
async function restartServer({ acknowledging }: { acknowledging: boolean }): Promise<void> {
  const permissions = serverPermissions(apiPrefix(server.nats.trust));
  const allow = permissions.pub.allow.flatMap((subject) =>
    subject === '$JS.ACK.>' && !acknowledging
      ? ['FEED', 'TELEMETRY', 'ADVISORIES'].map((stream) => `$JS.ACK.${stream}.>`)
      : [subject],
  );
  const { file } = server.nats.credsFor('server', { ...permissions, pub: { allow } });
  copyFileSync(file, server.natsCreds);
  await server.restart();
}

/** Half a second instead of thirty; the server sets its own time at each start. */
async function redeliverSoon(): Promise<void> {
  await ensureConsumer(admin, { ...CONSUMER, maxDeliver: -1, ackWaitMs: 500, deliver: 'all' });
}

async function counts(): Promise<{ rows: number; keys: number; waiting: number }> {
  const { rows } = await database.query<{ rows: number; keys: number; waiting: number }>(
    `SELECT (SELECT count(*)::int FROM findings) AS rows,
            (SELECT count(*)::int FROM finding_keys) AS keys,
            (SELECT count(*)::int FROM outbox) AS waiting`,
  );
  const [row] = rows;
  if (row === undefined) throw new Error('no counts');
  return row;
}

/** Findings in the feed, whether anybody hears it or not. */
async function announcedFindings(): Promise<number> {
  const feedState = await streamInfo(admin, 'FEED');
  let count = 0;
  for (let seq = feedState?.first_seq ?? 1; seq <= (feedState?.last_seq ?? 0); seq += 1) {
    const message = await storedMessage(admin, 'FEED', seq);
    if (message?.subject.startsWith('opmas.events.finding.') === true) count += 1;
  }
  return count;
}

function finding(n: number): Finding {
  return {
    finding_id: `lost-${n}`,
    agent_id: 'security-1',
    type: 'authentication_failure',
    severity: 'warning',
    timestamp: new Date().toISOString(),
    description: `Finding ${n}`,
    details: { event_id: `e-${n}`, rule_id: 'r' },
  };
}

test(
  'acknowledgements lost after the commit: every finding is one row and told once',
  async () => {
    await restartServer({ acknowledging: false });
    await redeliverSoon();
    feed = await feedClient({ url: server.url, token: server.ownerToken, topics: ['findings'] });
    for (let n = 0; n < FINDINGS; n += 1) {
      const text = JSON.stringify(finding(n));
      await publishDurable(admin, 'findings.security', text, { msgId: `lost-${n}` });
    }
    const state = () => consumerInfo(admin, CONSUMER.stream, CONSUMER.consumer);
    const told = () => feed.heard.filter(({ type }) => type === 'finding');
    await waitFor(async () => (await state())?.redelivered === FINDINGS, {
      timeoutMs: limits.waitMs,
      what: 'the second delivery of every finding',
    });
    await waitFor(() => told().length >= FINDINGS, { timeoutMs: limits.waitMs });
    await waitFor(async () => (await counts()).waiting === 0, { timeoutMs: limits.waitMs });
    const committed = { rows: FINDINGS, keys: FINDINGS, waiting: 0 };
    expect(await counts()).toEqual(committed);
    expect(await state()).toMatchObject({ ack_floor: 0, ack_pending: FINDINGS });
    expect(told()).toHaveLength(FINDINGS);
    feed.close();

    await restartServer({ acknowledging: true });
    await redeliverSoon();
    feed = await feedClient({ url: server.url, token: server.ownerToken, topics: ['findings'] });
    await waitFor(async () => (await state())?.ack_floor === FINDINGS, {
      timeoutMs: limits.agentsMs,
      what: 'the acknowledgement of every finding',
    });
    await waitFor(async () => (await counts()).waiting === 0, { timeoutMs: limits.waitMs });
    expect(await counts()).toEqual(committed);
    expect(told()).toEqual([]);
    expect(await announcedFindings()).toBe(FINDINGS);
  },
  limits.agentsMs * 2,
);
