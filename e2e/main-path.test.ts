/** The main job, seen from outside: a router's log line becomes a finding, whichever way it comes in. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { type FeedMessage, FindingRecord, parse } from '@opmas/protocol';
import { waitFor } from '@opmas/testkit';
import Type from 'typebox';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checked } from './api.ts';
import { type FeedClient, feedClient } from './feed-client.ts';
import { limits } from './limits.ts';
import { CLI, type Product, startProduct } from './product.ts';
import { rfc3164, rfc5424, sendTcp, sendUdp } from './syslog.ts';

const Listed = Type.Array(FindingRecord);

let product: Product;
let feed: FeedClient;

beforeAll(async () => {
  product = await startProduct();
  feed = await feedClient({ ...product, topics: ['agents', 'findings'] });
  await product.waitForAgents(4);
}, limits.startMs + limits.agentsMs);

afterAll(async () => {
  feed?.close();
  await product?.stop();
}, limits.stopMs * 2);

const attempt = (ip: string) => `Bad password attempt for 'root' from ${ip}:40022`;

/** The finding about this address, as the API and the feed tell it: the same, and one. */
async function findingAbout(ip: string): Promise<FindingRecord> {
  const sent = performance.now();
  const about = (finding: FindingRecord) => eventOf(finding)['message'] === attempt(ip);
  const stored = await waitFor(
    async () => {
      const found = (await product.findings()).filter(about);
      return found.length > 0 ? found : undefined;
    },
    { timeoutMs: limits.waitMs, what: `a finding about ${ip}` },
  );
  console.log(`finding about ${ip} after ${Math.round(performance.now() - sent)} ms`);
  expect(stored).toHaveLength(1);
  const [finding] = stored;
  if (finding === undefined) throw new Error('unreachable');
  const told = await feed.waitFor(
    (message) => message.type === 'finding' && idOf(message) === finding.finding_id,
    `the finding about ${ip} on the feed`,
  );
  expect(parse(FindingRecord, told.data)).toMatchObject({ ok: true, value: finding });
  expect(told.cursor).toMatch(/^[^.]+\.\d+$/);
  return finding;
}

function idOf({ data }: FeedMessage): unknown {
  return typeof data === 'object' && data !== null && 'finding_id' in data
    ? data.finding_id
    : undefined;
}

test('the four agents run, each with its heartbeat', async () => {
  const agents = await product.waitForAgents(4);
  expect(agents.map(({ name }) => name).sort()).toEqual([
    'ConnectivityAgent',
    'HealthAgent',
    'SecurityAgent',
    'WifiAgent',
  ]);
  for (const agent of agents) {
    expect(agent).toMatchObject({ desired: 'running', conditions: [], reason: null, restarts: 0 });
    expect(agent.agent_id).toMatch(new RegExp(`^${agent.type}-[0-9a-f-]{36}$`));
  }
  await feed.waitFor(({ type }) => type === 'agent.status', 'a change of an agent on the feed');
});

/** Before the other lines: what is recorded so far is this alone. */
const PROVEN = attempt('198.51.100.77');

test('a finding is proven by its event as recorded, and the rule that is tried tells the same', {
  timeout: limits.waitMs * 3,
}, async () => {
  const events = [{ message: PROVEN, program: 'dropbear' }];
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
        recorded: { subject: 'logs.auth', json: expect.stringContaining(PROVEN) as string },
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

test.each([
  ['RFC 3164 over UDP', '203.0.113.9', rfc3164, sendUdp],
  ['RFC 5424 over UDP', '203.0.113.10', rfc5424, sendUdp],
  ['RFC 3164 over TCP', '203.0.113.11', rfc3164, sendTcp],
  ['RFC 5424 over TCP', '203.0.113.12', rfc5424, sendTcp],
] as const)('a failed login by %s gives one finding', async (_name, ip, format, send) => {
  const line = format({ program: 'dropbear', pid: 1234, message: attempt(ip) });
  await send(product.syslog, line);
  const finding = await findingAbout(ip);
  const security = await product.agent('SecurityAgent');
  expect(finding).toMatchObject({
    agent_id: security.agent_id,
    agent_name: 'SecurityAgent',
    type: 'authentication_failure',
    severity: 'warning',
    status: 'open',
    topic: 'findings.security',
    details: {
      rule_id: 'dropbear-bad-password',
      event: {
        type: 'auth',
        message: attempt(ip),
        host: 'router',
        source_ip: '127.0.0.1',
        program: 'dropbear',
        pid: 1234,
      },
    },
  });
  expect(finding.details['event_id']).toBe(eventOf(finding)['event_id']);
});

function eventOf(finding: FindingRecord): Record<string, unknown> {
  const { event } = finding.details;
  return typeof event === 'object' && event !== null ? { ...event } : {};
}

test('a posted event gives one finding, which carries it', async () => {
  const event = {
    event_id: 'e-posted-1',
    timestamp: '2026-01-02T03:04:05.678Z',
    type: 'auth',
    message: attempt('203.0.113.13'),
    host: 'gateway',
    program: 'dropbear',
  };
  const { status, body } = await product.call('POST', '/api/v1/events', { body: [event] });
  expect({ status, body }).toEqual({ status: 202, body: { accepted: 1, rejected: [] } });
  const finding = await findingAbout('203.0.113.13');
  expect(finding.details).toMatchObject({ event_id: 'e-posted-1', event });
});

test('a benign line gives no finding', async () => {
  const benign = [
    'Child connection from 203.0.113.20:51000',
    'Exit (root) from <203.0.113.20:51000>: Disconnect received',
  ];
  const lines = [...benign, attempt('203.0.113.21')].map((message) =>
    rfc3164({ program: 'dropbear', pid: 77, message }),
  );
  // One connection keeps the order: what follows the benign lines has been judged after them.
  await sendTcp(product.syslog, ...lines);
  await findingAbout('203.0.113.21');
  const messages = (await product.findings()).map((finding) => eventOf(finding)['message']);
  expect(messages.filter((message) => String(message).includes('203.0.113.20'))).toEqual([]);
});

test.each([
  ['ConnectivityAgent', 'netifd', "Interface 'wan6' is now down"],
  ['HealthAgent', 'kernel', 'Out of memory: Kill process 1234 (luci) score 512 or sacrifice child'],
  ['WifiAgent', 'hostapd', 'wlan0: AP-STA-POSSIBLE-PSK-MISMATCH 02:00:5e:10:00:07'],
])('%s hears what is its own', async (name, program, message) => {
  await sendTcp(product.syslog, rfc3164({ priority: 30, program, message }));
  const found = await waitFor(
    async () => {
      const all = await product.findings();
      const own = all.filter((one) => eventOf(one)['message'] === message);
      return own.length > 0 ? own : undefined;
    },
    { timeoutMs: limits.waitMs, what: `a finding about ${message}` },
  );
  expect(found.map(({ agent_name }) => agent_name)).toEqual([name]);
});

test('the command line lists what the API has', async () => {
  const opmas = async (...args: string[]): Promise<unknown> => {
    const words = [CLI, ...args, '--json', '--data-dir', product.dataDir];
    const { stdout } = await promisify(execFile)(process.execPath, words);
    return JSON.parse(stdout);
  };
  const findings = checked(Listed, await opmas('findings', 'ls', '--all'), 'findings ls');
  const ids = (await product.findings()).map(({ finding_id }) => finding_id);
  expect(findings.map(({ finding_id }) => finding_id)).toEqual(ids);
  expect(await opmas('agents', 'ls')).toMatchObject(
    (await product.agents()).map(({ agent_id, name }) => ({ agent_id, name })),
  );
});
