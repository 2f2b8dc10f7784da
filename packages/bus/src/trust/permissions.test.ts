/** Permissions, proven by a real broker in operator mode: what is needed works, everything else is refused. */
import { consumerName, inboxPrefix, streams } from '@opmas/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  agentPermissions,
  apiPrefix,
  type Bus,
  collectorPermissions,
  consumeDurable,
  ensureConsumer,
  ensureKv,
  ensureStreams,
  hostPermissions,
  hostWatcher,
  openKv,
  publishDurable,
  STATE_BUCKET,
  serverPermissions,
  systemInbox,
  type Violation,
} from '../index.ts';
import { TestNats, until } from '../testing/nats-server.ts';

let nats: TestNats;
let server: Bus;
let agent: Bus;
let host: Bus;
let collector: Bus;

beforeAll(async () => {
  nats = await TestNats.start();
  const api = apiPrefix(nats.trust);
  server = await nats.connect('server', serverPermissions(api), {
    inboxPrefix: systemInbox.server,
  });
  await ensureStreams(server, {
    eventsMaxAgeMs: 3_600_000,
    eventsMaxBytes: 100_000_000,
    replicas: 1,
  });
  await ensureKv(server, 'HOSTS');
  await ensureKv(server, STATE_BUCKET);
  for (const name of ['wifi_agent', 'other_agent']) {
    await ensureConsumer(server, {
      stream: streams.events.name,
      consumer: consumerName(name, 'logs.wifi'),
      filterSubject: 'logs.wifi',
    });
  }
  const allowed = agentPermissions({
    agentName: 'wifi_agent',
    topics: ['logs.wifi'],
    findingsTopic: 'findings.wifi',
  });
  agent = await nats.connect('agent', allowed, { inboxPrefix: inboxPrefix('wifi_agent') });
  host = await nats.connect('host', hostPermissions('h1', api), {
    inboxPrefix: systemInbox.host('h1'),
  });
  collector = await nats.connect('collector', collectorPermissions('local'), {
    inboxPrefix: systemInbox.collector,
  });
});

afterAll(() => nats.stop());

/** Publishes as fire and forget and waits for the broker's word on it. */
async function publishRefused(bus: Bus, subject: string): Promise<boolean> {
  const seen: Violation[] = [];
  const stop = bus.onViolation((violation) => seen.push(violation));
  bus.publish(subject, '{}');
  await bus.flush();
  // The broker's word came before the flush's answer; its listeners run in this turn of the loop.
  await new Promise((resolve) => setImmediate(resolve));
  stop();
  return seen.some(
    (violation) => violation.operation === 'publish' && violation.subject === subject,
  );
}

async function subscribeRefused(bus: Bus, subject: string): Promise<boolean> {
  const seen: Violation[] = [];
  const stop = bus.onViolation((violation) => seen.push(violation));
  const subscription = bus.subscribe(subject, () => undefined);
  await bus.flush();
  // The broker's word came before the flush's answer; its listeners run in this turn of the loop.
  await new Promise((resolve) => setImmediate(resolve));
  stop();
  await subscription.stop();
  return seen.some((violation) => violation.operation === 'subscription');
}

describe('an agent', () => {
  it('consumes its topic and publishes findings', async () => {
    const got: string[] = [];
    const consumption = consumeDurable(agent, {
      stream: streams.events.name,
      consumer: consumerName('wifi_agent', 'logs.wifi'),
      onMessage: (message) => {
        got.push(Buffer.from(message.data).toString());
        message.ack();
      },
      onError: (error) => got.push(`error ${String(error)}`),
    });
    await publishDurable(collector, 'logs.wifi', '{"event_id":"1"}', { msgId: '1' });
    await until('the event', () => got.length === 1);
    expect(got).toEqual(['{"event_id":"1"}']);
    await publishDurable(agent, 'findings.wifi', '{}', { msgId: 'f1' });
    await consumption.stop();
  });

  it('answers control requests without a right to publish to inboxes', async () => {
    const subscription = agent.subscribe('opmas.control.wifi_agent', (message) => {
      message.respond('done');
    });
    const own = agent.subscribe('opmas.control.wifi_agent.i1', (message) => {
      message.respond('done one');
    });
    await agent.flush();
    expect((await server.request('opmas.control.wifi_agent', '{}')).text()).toBe('done');
    expect((await server.request('opmas.control.wifi_agent.i1', '{}')).text()).toBe('done one');
    await Promise.all([subscription.stop(), own.stop()]);
  });

  it.each(['heartbeat', 'status', 'metrics', 'logs.agent', 'deadletter'])(
    'publishes opmas.%s of its own only',
    async (kind) => {
      expect(await publishRefused(agent, `opmas.${kind}.wifi_agent`)).toBe(false);
      expect(await publishRefused(agent, `opmas.${kind}.other_agent`)).toBe(true);
    },
  );

  const other = consumerName('other_agent', 'logs.wifi');
  it.each([
    'findings.security',
    'logs.wifi',
    'opmas.control.other_agent',
    'opmas.host.h1.launch',
    'opmas.events.finding',
    `$JS.API.CONSUMER.MSG.NEXT.EVENTS.${other}`,
    `$JS.API.CONSUMER.INFO.EVENTS.${other}`,
    `$JS.ACK.EVENTS.${other}.1.1.1.1.1`,
    '$JS.API.STREAM.DELETE.EVENTS',
    '$JS.API.STREAM.CREATE.MINE',
    '$JS.API.CONSUMER.CREATE.EVENTS.x.logs.security',
    '$JS.API.CONSUMER.DURABLE.CREATE.EVENTS.x',
    '$KV.state.wifi_agent.windows',
    '$KV.state.other_agent.windows',
    '$KV.HOSTS.desired.h1.a',
    '$JS.API.DIRECT.GET.KV_state.$KV.state.wifi_agent.windows',
    '$JS.API.DIRECT.GET.KV_state.$KV.state.other_agent.windows',
    '_INBOX.server.x',
    '$SYS.REQ.CLAIMS.UPDATE',
  ])('may not publish %s', async (subject) => {
    expect(await publishRefused(agent, subject)).toBe(true);
  });

  it.each([
    'logs.wifi',
    'logs.>',
    '>',
    '_INBOX.>',
    '_INBOX_other_agent.>',
    'opmas.control.other_agent',
    'opmas.heartbeat.*',
    'findings.>',
    '$JS.ACK.>',
  ])('may not listen to %s', async (subject) => {
    expect(await subscribeRefused(agent, subject)).toBe(true);
  });

  it('gets a clear error from a refused request', async () => {
    await expect(
      publishDurable(agent, 'findings.security', '{}', { msgId: 'x' }),
    ).rejects.toMatchObject({
      code: 'OPMAS_FORBIDDEN',
    });
    await expect(openKv(agent, STATE_BUCKET).get('other_agent.windows')).rejects.toMatchObject({
      code: 'OPMAS_FORBIDDEN',
    });
  });
});

describe('a host', () => {
  it('watches its own desired keys and asks for launch tickets', async () => {
    const seen: string[] = [];
    let ready = false;
    const watch = openKv(host, 'HOSTS', { watcher: hostWatcher('h1') }).watch('desired.h1.', {
      onPut: (entry) => seen.push(entry.key),
      onDelete: (key) => seen.push(`-${key}`),
      onReady: () => void (ready = true),
      onError: (error) => seen.push(String(error)),
    });
    await until('the watch', () => ready);
    await openKv(server, 'HOSTS').put('desired.h1.a', '1');
    await openKv(server, 'HOSTS').put('desired.h2.b', '1');
    await until('the first change', () => seen.length === 1);
    await openKv(server, 'HOSTS').delete('desired.h1.a');
    await until('both changes', () => seen.length === 2);
    expect(seen).toEqual(['desired.h1.a', '-desired.h1.a']);
    const answering = server.subscribe('opmas.host.*.launch', (message) => {
      message.respond('{"ok":true}');
    });
    await server.flush();
    expect((await host.request('opmas.host.h1.launch', '{}')).json()).toEqual({ ok: true });
    await Promise.all([answering.stop(), watch.stop()]);
  });

  it('reports itself and hears heartbeats', async () => {
    expect(await publishRefused(host, 'opmas.host.h1.actual')).toBe(false);
    expect(await subscribeRefused(host, 'opmas.heartbeat.wifi_agent')).toBe(false);
  });

  it.each([
    'opmas.host.h2.actual',
    'opmas.control.wifi_agent',
    'logs.wifi',
    'findings.wifi',
    '$KV.HOSTS.desired.h1.a',
    '$JS.API.CONSUMER.CREATE.KV_HOSTS.watch_h1.$KV.HOSTS.desired.h2.>',
    '$JS.API.CONSUMER.CREATE.KV_HOSTS.watch_h2.$KV.HOSTS.desired.h1.>',
    '$JS.API.CONSUMER.CREATE.KV_HOSTS',
    '$JS.API.STREAM.MSG.GET.KV_HOSTS',
    '$JS.API.DIRECT.GET.KV_HOSTS',
    '$JS.API.DIRECT.GET.KV_HOSTS.$KV.HOSTS.desired.h2.b',
  ])('may not publish %s', async (subject) => {
    expect(await publishRefused(host, subject)).toBe(true);
  });

  it('cannot widen its watch by saying another filter in the body than in the subject', async () => {
    const subject = '$JS.API.CONSUMER.CREATE.KV_HOSTS.watch_h1.$KV.HOSTS.desired.h1.>';
    const config = {
      name: 'watch_h1',
      ack_policy: 'none',
      deliver_policy: 'all',
      filter_subject: '$KV.HOSTS.>',
    };
    const answer = await host.request(subject, JSON.stringify({ stream_name: 'KV_HOSTS', config }));
    expect(answer.json()).toMatchObject({ error: { code: 400 } });
  });

  it.each(['>', 'logs.>', '_INBOX.server.>', '_INBOX.host.h2.>', 'opmas.host.*.launch'])(
    'may not listen to %s',
    async (subject) => {
      expect(await subscribeRefused(host, subject)).toBe(true);
    },
  );
});

describe('the collector', () => {
  it('publishes events and counters', async () => {
    await publishDurable(collector, 'logs.security', '{}', { msgId: 'c1' });
    expect(await publishRefused(collector, 'opmas.collector.local.stats')).toBe(false);
  });

  it.each([
    'findings.wifi',
    'opmas.control.wifi_agent',
    '$JS.API.INFO',
    '$JS.API.STREAM.INFO.EVENTS',
    'opmas.host.h1.actual',
  ])('may not publish %s', async (subject) => {
    expect(await publishRefused(collector, subject)).toBe(true);
  });

  it.each(['logs.>', 'findings.>', '_INBOX.>', 'opmas.heartbeat.*'])(
    'may not listen to %s',
    async (subject) => {
      expect(await subscribeRefused(collector, subject)).toBe(true);
    },
  );
});

describe('credentials', () => {
  it('of OPMAS itself and of an agent with nine topics fit the control line of a broker with defaults', () => {
    const topics = Array.from({ length: 9 }, (_, index) => `logs.connectivity${index}`);
    const all = [
      serverPermissions(apiPrefix(nats.trust)),
      hostPermissions('h'.repeat(32), apiPrefix(nats.trust)),
      collectorPermissions('local'),
      agentPermissions({
        agentName: 'connectivity_agent',
        topics,
        findingsTopic: 'findings.connectivity',
      }),
    ];
    for (const permissions of all)
      expect(nats.user('x'.repeat(40), permissions).jwt.length).toBeLessThan(3_700);
  });

  it('of an agent with 64 topics work on the embedded broker', async () => {
    const topics = Array.from({ length: 64 }, (_, index) => `logs.${'d'.repeat(30)}${index}`);
    const many = agentPermissions({
      agentName: 'a'.repeat(64),
      topics,
      findingsTopic: 'findings.x',
    });
    const bus = await nats.connect('many', many, { inboxPrefix: inboxPrefix('a'.repeat(64)) });
    expect(await publishRefused(bus, 'findings.x')).toBe(false);
  });
});

describe('the server', () => {
  it.each([
    'opmas.heartbeat.*',
    'opmas.host.*.actual',
    'opmas.collector.*.stats',
    '$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.>',
  ])('listens to %s', async (subject) => {
    expect(await subscribeRefused(server, subject)).toBe(false);
  });

  it.each([
    '$JS.API.STREAM.DELETE.EVENTS',
    '$JS.API.STREAM.PURGE.FINDINGS',
    '$SYS.REQ.CLAIMS.UPDATE',
    'opmas.heartbeat.wifi_agent',
  ])('may not publish %s', async (subject) => {
    expect(await publishRefused(server, subject)).toBe(true);
  });
});
