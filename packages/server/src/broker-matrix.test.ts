/** Every subject OPMAS or JetStream knows, tried by every identity: what is listed works, everything else is refused. */
import {
  apiPrefix,
  type Bus,
  collectorPermissions,
  connectBus,
  decodeJwt,
  hostPermissions,
  type Permissions,
  publishDurable,
  STATE_BUCKET,
  serverPermissions,
  streamInfo,
  systemInbox,
  type Violation,
} from '@opmas/bus';
import {
  consumerName,
  consumerOwner,
  DESIRED_BUCKET,
  inboxPrefix,
  serverSubjects,
  streams,
  subjects,
} from '@opmas/protocol';
import { type TestNats, testNats, waitFor } from '@opmas/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { silentLogger } from './kernel/logger.ts';
import { LONG, registeredAgent, testBus } from './testing/fleet.ts';
import { connectAs, jwtOf, launchedAgent } from './testing/identity.ts';
import { type TestServer, testServer } from './testing/server.ts';

const [MINE, OTHER] = ['Mine', 'Other'];
const [HERE, THERE] = ['local', 'elsewhere'];
const TOPIC = 'logs.security';

/** A sample or more of every function of `subjects`; one without a row does not compile. */
const SAMPLES: Record<keyof typeof subjects, string[]> = {
  logs: [subjects.logs('security'), subjects.logs('wifi')],
  findings: [subjects.findings('security'), subjects.findings('wifi')],
  control: [subjects.control(MINE), subjects.control(OTHER)],
  controlInstance: [subjects.controlInstance(MINE, 'i1'), subjects.controlInstance(OTHER, 'i1')],
  heartbeat: [subjects.heartbeat(MINE), subjects.heartbeat(OTHER)],
  status: [subjects.status(MINE), subjects.status(OTHER)],
  metrics: [subjects.metrics(MINE), subjects.metrics(OTHER)],
  agentLogs: [subjects.agentLogs(MINE), subjects.agentLogs(OTHER)],
  deadLetter: [subjects.deadLetter(MINE), subjects.deadLetter(OTHER)],
  hostActual: [subjects.hostActual(HERE), subjects.hostActual(THERE)],
  hostLaunch: [subjects.hostLaunch(HERE), subjects.hostLaunch(THERE)],
  collectorStats: [subjects.collectorStats(HERE), subjects.collectorStats(THERE)],
  event: [subjects.event('agent.status'), subjects.event('finding.recorded')],
};

const BUCKETS = [DESIRED_BUCKET, STATE_BUCKET];
const STREAMS = [
  ...Object.values(streams).map(({ name }) => name),
  ...BUCKETS.map((bucket) => `KV_${bucket}`),
  'MADE_UP',
];
const CONSUMERS = [
  consumerName(MINE, TOPIC),
  consumerName(MINE, 'logs.wifi'),
  consumerName(OTHER, TOPIC),
  'server-findings',
  'server-telemetry',
  'server-advisories',
  `watch_${HERE}`,
  `watch_${THERE}`,
];
const KEYS = [
  `$KV.${DESIRED_BUCKET}.desired.${HERE}.a`,
  `$KV.${DESIRED_BUCKET}.desired.${THERE}.a`,
  `$KV.${STATE_BUCKET}.${MINE}.windows`,
  `$KV.${STATE_BUCKET}.${OTHER}.windows`,
];
/** Of `$JS.API`: what there is at the account, at a stream, at a consumer, up to nats-server 2.12. */
const ACCOUNT_VERBS = [
  'INFO',
  'STREAM.NAMES',
  'STREAM.LIST',
  'STREAM.TEMPLATE.CREATE.x',
  'STREAM.TEMPLATE.NAMES',
  'STREAM.TEMPLATE.INFO.x',
  'STREAM.TEMPLATE.DELETE.x',
  'META.LEADER.STEPDOWN',
  'SERVER.REMOVE',
  'ACCOUNT.PURGE.x',
  'ACCOUNT.STREAM.MOVE.x.y',
];
const STREAM_VERBS = [
  'CREATE',
  'UPDATE',
  'INFO',
  'DELETE',
  'PURGE',
  'SNAPSHOT',
  'RESTORE',
  'MSG.GET',
  'MSG.DELETE',
  'PEER.REMOVE',
  'LEADER.STEPDOWN',
];
const CONSUMER_VERBS = [
  'INFO',
  'DELETE',
  'MSG.NEXT',
  'LEADER.STEPDOWN',
  'PAUSE',
  'UNPIN',
  'DURABLE.CREATE',
  'CREATE',
];

const JETSTREAM = [
  ...ACCOUNT_VERBS.map((verb) => `$JS.API.${verb}`),
  ...STREAMS.flatMap((stream) => [
    ...STREAM_VERBS.map((verb) => `$JS.API.STREAM.${verb}.${stream}`),
    `$JS.API.CONSUMER.CREATE.${stream}`,
    `$JS.API.CONSUMER.NAMES.${stream}`,
    `$JS.API.CONSUMER.LIST.${stream}`,
    `$JS.API.DIRECT.GET.${stream}`,
    ...KEYS.map((key) => `$JS.API.DIRECT.GET.${stream}.${key}`),
    ...CONSUMERS.flatMap((consumer) => [
      ...CONSUMER_VERBS.map((verb) =>
        verb === 'CREATE'
          ? `$JS.API.CONSUMER.CREATE.${stream}.${consumer}.logs.security`
          : `$JS.API.CONSUMER.${verb}.${stream}.${consumer}`,
      ),
      `$JS.ACK.${stream}.${consumer}.1.1.1.1.0`,
    ]),
  ]),
  `$JS.API.CONSUMER.CREATE.KV_${DESIRED_BUCKET}.watch_${HERE}.$KV.${DESIRED_BUCKET}.desired.${HERE}.>`,
  `$JS.API.CONSUMER.CREATE.KV_${DESIRED_BUCKET}.watch_${HERE}.$KV.${DESIRED_BUCKET}.desired.${THERE}.>`,
  `$JS.API.CONSUMER.CREATE.KV_${DESIRED_BUCKET}.watch_${THERE}.$KV.${DESIRED_BUCKET}.desired.${THERE}.>`,
  '$JS.FC.EVENTS.x.y',
  '$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.EVENTS.x',
  '$JS.EVENT.ADVISORY.API',
  '$JS.SNAPSHOT.RESTORE.EVENTS.x',
];
const SYSTEM = [
  '$SYS.REQ.CLAIMS.UPDATE',
  '$SYS.REQ.CLAIMS.LIST',
  '$SYS.REQ.CLAIMS.DELETE',
  '$SYS.REQ.SERVER.PING',
  '$SYS.REQ.SERVER.PING.CONNZ',
  '$SYS.REQ.ACCOUNT.PING.CONNZ',
  '$SYS.REQ.USER.INFO',
  '$SYS.ACCOUNT.x.CONNECT',
  '$SYS.SERVER.x.SHUTDOWN',
];
const INBOXES = [
  `${inboxPrefix(MINE)}.x`,
  `${inboxPrefix(OTHER)}.x`,
  '_INBOX.x',
  `${systemInbox.server}.x`,
  `${systemInbox.host(HERE)}.x`,
  `${systemInbox.host(THERE)}.x`,
  `${systemInbox.collector}.x`,
];
const CONCRETE = [
  ...Object.values(SAMPLES).flat(),
  ...JETSTREAM.filter((subject) => !subject.endsWith('>')),
  ...KEYS,
  ...SYSTEM,
  ...INBOXES,
  'made.up',
];
const WILDCARDS = [
  '>',
  '*',
  '*.>',
  ...Object.values(serverSubjects),
  ...Object.values(streams).flatMap((stream) => stream.subjects),
  'opmas.>',
  'opmas.control.*',
  'opmas.control.>',
  `${subjects.control(MINE)}.*`,
  `${subjects.control(MINE)}.>`,
  '_INBOX.>',
  `${inboxPrefix(MINE)}.>`,
  `${inboxPrefix(OTHER)}.>`,
  `${systemInbox.server}.>`,
  `${systemInbox.host(HERE)}.>`,
  `${systemInbox.host(THERE)}.>`,
  `${systemInbox.collector}.>`,
  '$JS.>',
  '$JS.API.>',
  '$JS.ACK.>',
  '$KV.>',
  '$SYS.>',
];

interface Rights {
  pub: RegExp;
  sub: RegExp;
}

/** What each may do, written down apart from what grants it. */
const RIGHTS = {
  agent: {
    pub: /^(opmas\.(heartbeat|status|metrics|logs\.agent|deadletter)\.Mine|findings\.security|\$JS\.API\.CONSUMER\.MSG\.NEXT\.EVENTS\.Mine=security|\$JS\.ACK\.EVENTS\.Mine=security\..*)$/,
    // The broker takes a last `>` for what `*` allows; no more than its own is below it.
    sub: /^(opmas\.control\.Mine(\.(i1|\*|>))?|_INBOX_Mine\.(x|>))$/,
  },
  host: {
    pub: /^(opmas\.host\.local\.(actual|launch)|\$JS\.API\.CONSUMER\.(INFO|MSG\.NEXT|DELETE)\.KV_HOSTS\.watch_local|\$JS\.API\.DIRECT\.GET\.KV_HOSTS\.\$KV\.HOSTS\.desired\.local\..*)$/,
    sub: /^(_INBOX\.host\.local\.(x|>)|opmas\.heartbeat\.(\*|Mine|Other))$/,
  },
  collector: {
    pub: /^(logs\.(security|wifi)|opmas\.collector\.local\.stats)$/,
    sub: /^_INBOX\.collector\.(x|>)$/,
  },
  server: {
    pub: /^(logs\..*|opmas\.(control|events)\..*|opmas\.deadletter\.\w+|_INBOX\.host\..*|\$KV\.(HOSTS|state)\..*|\$JS\.ACK\..*|\$JS\.API\.(INFO|STREAM\.(CREATE|UPDATE|INFO|MSG\.GET)\.\w+|DIRECT\.GET\..*|CONSUMER\.CREATE\..*|CONSUMER\.LIST\.\w+|CONSUMER\.(DURABLE\.CREATE|INFO|DELETE|MSG\.NEXT)\.\w+\.[^.]+))$/,
    sub: /^(_INBOX\.server\.(x|>)|opmas\.(heartbeat|status|metrics)\.(\*|Mine|Other)|opmas\.logs\.agent\.(\*|Mine|Other)|opmas\.host\.(\*|local|elsewhere)\.(actual|launch)|opmas\.collector\.(\*|local|elsewhere)\.stats|\$JS\.EVENT\.ADVISORY\.CONSUMER\.MAX_DELIVERIES\..*)$/,
  },
} as const satisfies Record<string, Rights>;

/** The subjects the broker refused of those tried; both are asserted, so that nothing goes untried. */
async function tried(
  bus: Bus,
  operation: Violation['operation'],
  all: readonly string[],
): Promise<string[]> {
  const refused = new Set<string>();
  const stop = bus.onViolation((violation) => {
    if (violation.operation === operation) refused.add(violation.subject);
  });
  for (const subject of all) {
    if (operation === 'publish') bus.publish(subject, '');
    else {
      const subscription = bus.subscribe(subject, () => undefined);
      // The broker's word on this one comes before the answer to the flush.
      await bus.flush();
      await subscription.stop();
    }
  }
  await bus.flush();
  await new Promise((resolve) => setImmediate(resolve));
  stop();
  return [...refused].sort();
}

const beyond = (all: readonly string[], right: RegExp): string[] =>
  [...new Set(all.filter((subject) => !right.test(subject)))].sort();

async function expectExactly(bus: Bus, { pub, sub }: Rights): Promise<void> {
  const listened = [...CONCRETE, ...WILDCARDS];
  expect(await tried(bus, 'subscription', listened)).toEqual(beyond(listened, sub));
  expect(await tried(bus, 'publish', CONCRETE)).toEqual(beyond(CONCRETE, pub));
  expect(beyond(CONCRETE, pub).length).toBeLessThan(new Set(CONCRETE).size);
}

describe('X14 an agent on the broker', () => {
  let server: TestServer;
  let admin: Bus;
  beforeAll(async () => {
    server = await testServer();
    admin = await testBus(server);
  });
  afterAll(async () => {
    await admin.close();
    await server.stop();
  });

  test('with the credentials it was issued does its own work and nothing else', async () => {
    const agent = await registeredAgent(server, MINE);
    await registeredAgent(server, OTHER);
    const { key, answer } = await launchedAgent(server, admin, agent, 'i1');
    const { bus } = await connectAs(server, { agent, key }, jwtOf(answer));
    console.log(`${CONCRETE.length + WILDCARDS.length} subjects tried`);
    await expectExactly(bus, RIGHTS.agent);
    await bus.close();
    await expectJwtOf(jwtOf(answer));
  }, 120_000);

  test('nothing the server keeps on the broker is missing from what is tried', async () => {
    await registeredAgent(server, 'Third');
    const third = consumerName('Third', TOPIC);
    // Made beside the answer to the registration.
    await waitFor(async () =>
      (await names('$JS.API.CONSUMER.NAMES.EVENTS', 'consumers')).includes(third),
    );
    const live = await kept();
    expect(live.map(([stream]) => stream)).toEqual(
      STREAMS.filter((name) => name !== 'MADE_UP').sort(),
    );
    const consumers = live.flatMap(([, own]) => own);
    // Of an agent each, or the server's own; `feed-…` carries the id of this server.
    const own = consumers.filter((name) => consumerOwner(name) === undefined);
    expect(own.filter((name) => !CONSUMERS.includes(name) && !name.startsWith('feed-'))).toEqual(
      [],
    );
    expect(consumers).toContain(third);
  });

  /**
   * JetStream answers wherever the asker says, and asks nobody whether the asker may publish there. Every
   * request of an agent is sent with every subject of the table as its reply: what comes out there must be
   * nothing the agent has worded.
   */
  test('has JetStream say nothing of its own wording where it may not publish', async () => {
    const agent = await registeredAgent(server, 'Deputy');
    const { key, answer } = await launchedAgent(server, admin, agent, 'i1');
    const { bus } = await connectAs(server, { agent, key }, jwtOf(answer));
    const wording = 'worded-by-the-agent';
    const said: string[] = [];
    const targets = Object.values(SAMPLES).flat();
    const ears = targets.map((target) =>
      admin.subscribe(target, (message) => {
        if (message.subject === target) said.push(`${target} ${message.text()}`);
      }),
    );
    await admin.flush();
    const { pub } = decodeJwt(jwtOf(answer)).nats as { pub: { allow: string[] } };
    const asked = pub.allow.map((subject) => subject.replace(/>$/, '1.1.1.1.0'));
    for (const target of targets) {
      // What it publishes outright, on subjects of its own, is not what this is about.
      for (const subject of asked) bus.publish(subject, wording, { reply: target });
      for (const body of [`{"batch":1,"no_wait":true,"id":"${wording}"}`, wording, '']) {
        for (const subject of asked.filter((each) => each.startsWith('$JS.'))) {
          bus.publish(subject, body, { reply: target });
        }
      }
    }
    const last = targets.at(-1) ?? '';
    await waitFor(() => said.some((line) => line.startsWith(last)), LONG);
    await admin.flush();
    const elsewhere = said.filter((line) => !asked.some((own) => line.startsWith(`${own} `)));
    expect(said.length).toBeGreaterThan(elsewhere.length);
    expect(elsewhere.filter((line) => line.includes(wording))).toEqual([]);
    await Promise.all(ears.map((ear) => ear.stop()));
    await bus.close();
  });

  /**
   * The answer to an acknowledgement is an empty message, to a pull request an empty one or an event: as a request to
   * the API the first deletes a stream.
   */
  test('has JetStream ask nothing of its own API, whatever reply it names', async () => {
    const agent = await registeredAgent(server, 'Regent');
    const { key, answer } = await launchedAgent(server, admin, agent, 'i1');
    const { bus } = await connectAs(server, { agent, key }, jwtOf(answer));
    const asked: string[] = [];
    const ear = admin.subscribe('$JS.EVENT.ADVISORY.API', (message) => {
      const { client, subject } = message.json() as { client?: { name?: string }; subject: string };
      asked.push(`${client?.name} ${subject}`);
    });
    await publishDurable(admin, TOPIC, '{}', { msgId: 'for-the-regent' });
    const before = await kept();
    const consumer = `EVENTS.${consumerName('Regent', TOPIC)}`;
    const pull = `$JS.API.CONSUMER.MSG.NEXT.${consumer}`;
    const ack = `$JS.ACK.${consumer}.1.1.1.1.0`;
    const now = '{"batch":1,"no_wait":true}';
    const words = [
      ...['', '1', now].map((body) => [pull, body] as const),
      ...['', '+ACK', '-NAK', '+WPI', '+TERM', '+NXT', `+NXT ${now}`].map(
        (body) => [ack, body] as const,
      ),
    ];
    const targets = JETSTREAM.filter((subject) => subject.startsWith('$JS.API.'));
    for (const target of targets) {
      for (const [subject, body] of words) bus.publish(subject, body, { reply: target });
      await bus.flush();
    }
    console.log(`${targets.length * words.length} requests with a reply of the API`);
    // What it asks by itself is on record, so what it had the broker ask would be.
    await names('$JS.API.STREAM.NAMES', 'streams');
    await waitFor(() => asked.some((who) => who.endsWith(' $JS.API.STREAM.NAMES')), LONG);
    expect(asked.filter((who) => !/^(test|opmas-server) /.test(who))).toEqual([]);
    expect(await kept()).toEqual(before);
    await ear.stop();
    await bus.close();
  });

  test('nobody can purge what is kept, be it with every right', async () => {
    await publishDurable(admin, subjects.findings('security'), '{}', { msgId: 'kept' });
    const state = async () => (await streamInfo(admin, streams.findings.name))?.first_seq;
    const before = await state();
    const answer = await admin.request('$JS.API.STREAM.PURGE.FINDINGS');
    expect(answer.json()).toMatchObject({ error: { code: 500 } });
    expect(await state()).toBe(before);
  });

  test('does not learn where the API is', async () => {
    const agent = await registeredAgent(server, 'Curious');
    const { key, answer } = await launchedAgent(server, admin, agent, 'i1');
    expect(JSON.stringify(answer)).not.toContain('OPMAS_API');
    expect(JSON.stringify(decodeJwt(jwtOf(answer)))).not.toContain('OPMAS_API');
    const { bus } = await connectAs(server, { agent, key }, jwtOf(answer));
    const listened = ['OPMAS_API.>', 'OPMAS_API.*.>', `${apiPrefix(server.nats.trust)}.>`];
    expect(await tried(bus, 'subscription', listened)).toEqual([
      '$JS.API.>',
      'OPMAS_API.*.>',
      'OPMAS_API.>',
    ]);
    await bus.close();
  });

  /** Streams, and the consumers of each. */
  async function kept(): Promise<[string, string[]][]> {
    const live = await names('$JS.API.STREAM.NAMES', 'streams');
    const pairs = live.sort().map(async (stream): Promise<[string, string[]]> => {
      const own = await names(`$JS.API.CONSUMER.NAMES.${stream}`, 'consumers');
      return [stream, own.sort()];
    });
    return Promise.all(pairs);
  }

  async function names(subject: string, list: string): Promise<string[]> {
    const found = (await admin.request(subject, '{}')).json() as Record<string, unknown>;
    return (found[list] as string[] | null) ?? [];
  }

  /** Beside what was tried: not a subject more is granted, and nothing outlives the hour. */
  async function expectJwtOf(jwt: string): Promise<void> {
    const { nats, iat, exp } = decodeJwt(jwt);
    const consumer = `EVENTS.${consumerName(MINE, TOPIC)}`;
    expect(nats).toEqual({
      pub: {
        allow: [
          subjects.heartbeat(MINE),
          subjects.status(MINE),
          subjects.metrics(MINE),
          subjects.agentLogs(MINE),
          subjects.deadLetter(MINE),
          subjects.findings('security'),
          `$JS.API.CONSUMER.MSG.NEXT.${consumer}`,
          `$JS.ACK.${consumer}.>`,
        ],
      },
      sub: {
        allow: [subjects.control(MINE), `${subjects.control(MINE)}.*`, `${inboxPrefix(MINE)}.>`],
      },
      resp: { max: 1, ttl: 3_000_000_000 },
      subs: -1,
      data: -1,
      payload: -1,
      issuer_account: server.nats.trust.account.identity.public_key,
      type: 'user',
      version: 2,
    });
    expect((exp ?? Number.POSITIVE_INFINITY) - iat).toBeLessThanOrEqual(3_600);
  }
});

describe('X14 OPMAS’s own processes on the broker', () => {
  let nats: TestNats;
  beforeAll(async () => {
    nats = await testNats();
  });
  afterAll(() => nats.stop());

  test.each<[keyof typeof RIGHTS, (api: string) => Permissions, string]>([
    ['host', (api) => hostPermissions(HERE, api), systemInbox.host(HERE)],
    ['collector', () => collectorPermissions(HERE), systemInbox.collector],
    ['server', serverPermissions, systemInbox.server],
  ])(
    'the %s does its own work and nothing else',
    async (name, permissionsAt, inbox) => {
      const permissions = permissionsAt(apiPrefix(nats.trust));
      const bus = await connectBus({
        url: nats.url,
        name,
        inboxPrefix: inbox,
        credsFile: nats.credsFor(name, permissions).file,
        logger: silentLogger,
      });
      await expectExactly(bus, RIGHTS[name]);
      await bus.close();
    },
    120_000,
  );

  test('a host may make the one consumer it watches its own keys with', async () => {
    const watch = (host: string, keys: string) =>
      `$JS.API.CONSUMER.CREATE.KV_${DESIRED_BUCKET}.watch_${host}.$KV.${DESIRED_BUCKET}.desired.${keys}.>`;
    expect(hostPermissions(HERE).pub.allow).toContain(watch(HERE, HERE));
    for (const other of [watch(HERE, THERE), watch(THERE, HERE), watch(THERE, THERE)]) {
      expect(hostPermissions(HERE).pub.allow).not.toContain(other);
    }
  });
});

test('every subject has a sample', () => {
  expect(Object.keys(SAMPLES).sort()).toEqual(Object.keys(subjects).sort());
  for (const samples of Object.values(SAMPLES)) expect(samples.length).toBeGreaterThan(1);
});
