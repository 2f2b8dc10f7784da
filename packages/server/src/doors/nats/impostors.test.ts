/** Who a message says it is from must be who may publish where it came: else it is dropped, counted and on record. */
import { type Bus, ensureConsumer, publishDurable } from '@opmas/bus';
import {
  type Agent,
  type AuditRecord,
  consumerName,
  type HostReport,
  streams,
  subjects,
} from '@opmas/protocol';
import { waitFor } from '@opmas/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { finding, itemsOf, LONG, registeredAgent, testBus } from '../../testing/fleet.ts';
import { type TestServer, testServer } from '../../testing/server.ts';

const [HERE, THERE] = ['local', 'elsewhere'];
const now = () => new Date().toISOString();

let server: TestServer;
let bus: Bus;
let mine: Agent;
let other: Agent;
beforeAll(async () => {
  server = await testServer();
  bus = await testBus(server);
  [mine, other] = await Promise.all([
    registeredAgent(server, 'Mine'),
    registeredAgent(server, 'Other'),
  ]);
});
afterAll(async () => {
  await bus.close();
  await server.stop();
});

const invalid = async (kind: string): Promise<number> => {
  const text = await (await fetch(`${server.url}/metrics`)).text();
  const line = new RegExp(`^opmas_messages_invalid_total\\{kind="${kind}"\\} (\\d+)`, 'm');
  return Number(line.exec(text)?.[1] ?? 0);
};

/** The row of the audit log, as the API shows it. */
const onRecord = (kind: string, subject: string, claimed: string) =>
  waitFor(async () => {
    const query = `action=broker.${kind}&object=${claimed}`;
    const { body } = await server.call('GET', `/api/v1/audit?${query}`);
    return itemsOf<AuditRecord>(body).find(({ actor }) => actor === subject);
  }, LONG);

const seen = async (path: string) =>
  itemsOf<object>((await server.call('GET', `/api/v1/agents/${other.agent_id}/${path}`)).body);
const stateOfOther = async () =>
  (await server.call('GET', `/api/v1/agents/${other.agent_id}`)).body as Agent;

const reportOf = (host: string, agent: Agent): HostReport => ({
  host_id: host,
  hostname: 'h',
  boot_id: 'b',
  pid: 1,
  started_at: now(),
  timestamp: now(),
  instances: [
    {
      agent_id: agent.agent_id,
      agent_name: agent.name,
      instance_id: 'forged',
      state: 'ready',
      reason: null,
      pid: 4_242,
      started_at: now(),
      restarts: 0,
      next_start_at: null,
      generation: 1,
    },
  ],
});

interface Forgery {
  subject(): string;
  claimed(): string;
  message(): object;
  /** What it would have brought about. */
  taken(): Promise<unknown>;
  untouched: unknown;
}

const FORGERIES: Record<string, Forgery> = {
  heartbeat: {
    subject: () => subjects.heartbeat(mine.name),
    claimed: () => other.agent_id,
    message: () => ({ agent_id: other.agent_id, status: 'healthy', timestamp: now(), uptime: 5 }),
    taken: async () => (await stateOfOther()).last_heartbeat,
    untouched: null,
  },
  status: {
    subject: () => subjects.status(mine.name),
    claimed: () => other.agent_id,
    message: () => ({
      agent_id: other.agent_id,
      status: 'healthy',
      config: { running_hash: 'x', attempted_hash: 'y', error: 'forged' },
    }),
    taken: async () => (await stateOfOther()).conditions,
    untouched: [],
  },
  metrics: {
    subject: () => subjects.metrics(mine.name),
    claimed: () => other.agent_id,
    message: () => ({ agent_id: other.agent_id, timestamp: now(), metrics: { forged: 1 } }),
    taken: async () => (await server.call('GET', `/api/v1/agents/${other.agent_id}/metrics`)).body,
    untouched: { series: [] },
  },
  log: {
    subject: () => subjects.agentLogs(mine.name),
    claimed: () => other.agent_id,
    message: () => ({
      agent_id: other.agent_id,
      level: 'error',
      message: 'forged',
      timestamp: now(),
    }),
    taken: () => seen('logs'),
    untouched: [],
  },
  finding: {
    subject: () => 'findings.nowhere',
    claimed: () => other.agent_id,
    message: () => finding(other.agent_id, 'forged'),
    taken: async () => (await server.call('GET', '/api/v1/findings/forged')).status,
    untouched: 404,
  },
  host: {
    subject: () => subjects.hostActual(THERE),
    claimed: () => HERE,
    message: () => reportOf(HERE, other),
    taken: async () => (await stateOfOther()).status,
    untouched: 'registered',
  },
  launch: {
    subject: () => subjects.hostLaunch(THERE),
    claimed: () => other.agent_id,
    message: () => ({ agent_id: other.agent_id, instance_id: 'forged', enrolled: false }),
    taken: async () =>
      (await server.database.pool.selectFrom('registration_tokens').selectAll().execute()).length,
    untouched: 0,
  },
  collector: {
    subject: () => subjects.collectorStats(THERE),
    claimed: () => HERE,
    message: () => ({
      host_id: HERE,
      timestamp: now(),
      started_at: now(),
      received: 77,
      published: 77,
      dropped_udp: 0,
      kernel_drops: 0,
      rejected: 0,
      connections: 0,
      queued: 0,
    }),
    taken: async () => (await (await fetch(`${server.url}/metrics`)).text()).includes(' 77\n'),
    untouched: false,
  },
};

describe('X14 under another’s name', () => {
  test.each(Object.entries(FORGERIES))(
    'a %s is dropped, counted and audited',
    async (kind, forgery) => {
      const before = await invalid(kind);
      const [subject, claimed] = [forgery.subject(), forgery.claimed()];
      bus.publish(subject, JSON.stringify(forgery.message()));
      expect(await onRecord(kind, subject, claimed)).toMatchObject({
        actor_kind: 'agent',
        outcome: 'refused',
        details: { code: 'OPMAS_FORBIDDEN' },
      });
      expect(await invalid(kind)).toBe(before + 1);
      expect(await forgery.taken()).toEqual(forgery.untouched);
    },
  );

  test('a host that reports an agent of another host is on record, and changes nothing', async () => {
    const subject = subjects.hostActual(THERE);
    bus.publish(subject, JSON.stringify(reportOf(THERE, other)));
    await onRecord('host', subject, other.agent_id);
    expect((await stateOfOther()).status).toBe('registered');
  });

  test('a launch of another host’s agent is answered with the reason, and without a token', async () => {
    const request = FORGERIES['launch']?.message();
    const answer = await bus.request(subjects.hostLaunch(THERE), JSON.stringify(request));
    expect(answer.json()).toEqual({ ok: false, error: 'The agent belongs to host local' });
  });

  test('an agent that has JetStream send an event there is no one’s word', async () => {
    const consumer = consumerName(mine.name, 'logs.security');
    const { name: stream } = streams.events;
    await ensureConsumer(bus, { stream, consumer, filterSubject: 'logs.security' });
    const relays = [
      ['status', subjects.status(other.name), FORGERIES['status']],
      ['finding', subjects.findings('security'), FORGERIES['finding']],
      ['heartbeat', subjects.heartbeat(other.name), FORGERIES['heartbeat']],
    ] as const;
    for (const [kind, target, forgery] of relays) {
      const event = { ...forgery?.message(), event_id: kind, type: 'x', message: 'm' };
      const msgId = `relayed-${kind}`;
      await publishDurable(bus, 'logs.security', JSON.stringify(event), { msgId });
      bus.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`, '{"batch":1}', {
        reply: target,
      });
      // It carries the subject it was stored with: whoever may publish events may not speak for agents.
      await onRecord(kind, 'logs.security', other.agent_id);
      expect(await forgery?.taken()).toEqual(forgery?.untouched);
    }
  });
});
