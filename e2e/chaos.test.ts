/** kill -9 of each process in turn, under load: nothing acknowledged is lost, nothing is found twice, all comes back by itself. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { connectBus, listConsumers, streamInfo, systemInbox } from '@opmas/bus';
import { streams } from '@opmas/protocol';
import { waitFor } from '@opmas/testkit';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { DOMAINS, type Ledger, startLedger } from './chaos-ledger.ts';
import { agentProcesses, watchAgents } from './chaos-watch.ts';
import { isWell, type Product, startProduct } from './product.ts';

const BACK = { timeoutMs: 60_000, pollMs: 50 };
const EVENTS_PER_SECOND = 500;
const MATCH_EVERY = 10;
/** Acknowledged after each return, so that the next kill falls on work under way. */
const BETWEEN = 500;
/** Of the server's log, told when a test fails. */
const LOG_LINES = 20;

let product: Product;
let ledger: Ledger;
let watch: ReturnType<typeof watchAgents>;
/** Lines sent by syslog, each of which must be found too. */
let syslogLines = 0;

beforeAll(async () => {
  product = await startProduct();
  await product.waitForAgents(4);
  watch = watchAgents(product.dataDir);
  ledger = startLedger({
    url: () => product.url,
    token: () => product.token,
    eventsPerSecond: EVENTS_PER_SECOND,
    matchEvery: MATCH_EVERY,
  });
  await ledger.moreAcknowledged(BETWEEN);
}, 240_000);

afterEach(({ task }) => {
  if (task.result?.state !== 'fail') return;
  const lines = product.log('server.log').split('\n').slice(-LOG_LINES);
  console.log([...lines, product.output().slice(-LOG_LINES * 100)].join('\n'));
});

afterAll(async () => {
  await ledger?.stop();
  await product?.stop();
}, 180_000);

test('an agent', { timeout: 90_000 }, async () => {
  const before = await product.agent('SecurityAgent');
  await killed('an agent', pidOf(before), async () => {
    const now = await product.agent('SecurityAgent');
    return isWell(now) && now.pid !== null && now.pid !== before.pid;
  });
});

test('the server', { timeout: 90_000 }, () =>
  killed('the server', product.pidOf('server'), isReady),
);

test('the broker', { timeout: 90_000 }, () =>
  killed('nats-server', product.pidOf('nats'), isReady),
);

test('PostgreSQL', { timeout: 90_000 }, () =>
  killed('PostgreSQL', product.pidOf('postgres'), async () => {
    const { status } = await product.call('GET', '/api/v1/findings?limit=1');
    return status === 200 && (await isReady());
  }),
);

test('the host: agents go on and are adopted', { timeout: 90_000 }, async () => {
  const before = agentProcesses(product.dataDir);
  const readyLines = count('host is ready');
  await killed('the host', product.pidOf('host'), () => count('host is ready') > readyLines);
  expect(agentProcesses(product.dataDir)).toEqual(before);
});

test('the collector', { timeout: 90_000 }, async () => {
  const readyLines = count('collector is ready');
  await killed(
    'the collector',
    product.pidOf('collector'),
    () => count('collector is ready') > readyLines,
  );
  await sendSyslog();
});

test('`opmas up` itself, started again at once', { timeout: 180_000 }, async () => {
  const { child } = product;
  const began = performance.now();
  child.kill('SIGKILL');
  await once(child, 'exit');
  await product.restart();
  await product.waitForAgents(4);
  await ledger.nextAcknowledgement();
  tell('opmas up', began);
  await ledger.moreAcknowledged(BETWEEN);
});

test('afterwards the findings are exactly those of the ledger', { timeout: 180_000 }, async () => {
  await ledger.stop();
  await quiet();
  // Rules that count over time tell more, of the same events: the ledger is of those that tell every line.
  const findings = (await product.findings()).filter(({ details }) => !('window' in details));
  const times = new Map<string, number>();
  for (const { details } of findings) {
    const id = String(details['event_id']);
    times.set(id, (times.get(id) ?? 0) + 1);
  }
  const lost = [...ledger.expected].filter((id) => !times.has(id));
  const twice = [...times].filter(([, found]) => found > 1);
  const seen = watch.stop();
  console.log(
    `${ledger.acknowledged} events acknowledged, ${ledger.retried} attempts repeated; ` +
      `${ledger.expected.size} + ${syslogLines} findings expected, ${findings.length} found, ` +
      `${lost.length} lost, ${twice.length} twice; ${seen.samples} looks at the process table`,
  );
  expect({ lost, twice, faults: ledger.faults }).toEqual({ lost: [], twice: [], faults: [] });
  expect(findings).toHaveLength(ledger.expected.size + syslogLines);
  expect(seen.doubles).toEqual([]);
  await allSingle();
});

/** Kills one process, waits until `back` holds and an event is acknowledged, and tells how long that took. */
async function killed(what: string, pid: number, back: () => boolean | Promise<boolean>) {
  const began = performance.now();
  process.kill(pid, 'SIGKILL');
  await waitFor(() => !isAlive(pid), { ...BACK, what: `the end of ${what}` });
  await waitFor(back, { ...BACK, what: `${what} back` });
  await ledger.nextAcknowledgement();
  tell(what, began);
  await ledger.moreAcknowledged(BETWEEN);
}

function tell(what: string, began: number): void {
  console.log(`kill -9 of ${what}: back after ${Math.round(performance.now() - began)} ms`);
}

async function isReady(): Promise<boolean> {
  const { status, body } = await product.call('GET', '/health');
  return status === 200 && JSON.stringify(body).includes('"status":"ready"');
}

/** All that was sent was worked and stored: no consumer has anything left, delivered or not. */
async function quiet(): Promise<void> {
  const port = readFileSync(join(product.dataDir, 'nats', 'port'), 'utf8').trim();
  const bus = await connectBus({
    url: `nats://127.0.0.1:${port}`,
    name: 'chaos test',
    inboxPrefix: systemInbox.server,
    credsFile: join(product.dataDir, 'keys', 'nats-server.creds'),
    logger: pino({ level: 'silent' }),
  });
  try {
    await waitFor(
      async () => {
        const events = await listConsumers(bus, streams.events.name);
        const findings = await listConsumers(bus, streams.findings.name);
        if (events.length < DOMAINS.length || findings.length === 0) return false;
        return [...events, ...findings].every((one) => one.pending + one.ack_pending === 0);
      },
      { timeoutMs: 120_000, pollMs: 100, what: 'quiet' },
    );
    expect((await streamInfo(bus, streams.deadLetters.name))?.messages).toBe(0);
  } finally {
    await bus.drain();
  }
}

async function allSingle(): Promise<void> {
  const agents = await product.waitForAgents(4);
  const running = agentProcesses(product.dataDir).map(({ agent_id: id, pid }) => `${id} ${pid}`);
  expect(running.sort()).toEqual(agents.map((agent) => `${agent.agent_id} ${agent.pid}`).sort());
}

async function sendSyslog(): Promise<void> {
  const { host, tcp_port: port } = product.syslog;
  const socket = connect(port, host);
  await once(socket, 'connect');
  socket.end(
    "<86>Nov 21 09:00:00 router dropbear[7]: Bad password attempt for 'eve' from 203.0.113.9:1\n",
  );
  await once(socket, 'close');
  syslogLines += 1;
  // Nobody acknowledges a line of syslog: until it is with the broker, the end of all processes would be its own.
  await waitFor(
    async () =>
      (await product.findings()).some(({ details }) => JSON.stringify(details).includes("'eve'")),
    { ...BACK, what: 'the finding of the line' },
  );
}

function count(text: string): number {
  return product.output().split(text).length - 1;
}

function pidOf({ pid }: { pid: number | null }): number {
  if (pid === null) throw new Error('the agent has no process');
  return pid;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}
