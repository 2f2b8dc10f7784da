/** What tests of agents' identities do: register a key, renew as an instance, speak as a host, hold a connection. */
import { type Bus, type BusStatus, connectBus, createNkey, signWithSeed } from '@opmas/bus';
import {
  type Agent,
  credentialsChallenge,
  type HostReport,
  inboxPrefix,
  type RegistrationAnswer,
  subjects,
} from '@opmas/protocol';
import { silentLogger } from '../kernel/logger.ts';
import { claimOf } from './fleet.ts';
import type { Answer, TestServer } from './server.ts';

export type Key = ReturnType<typeof createNkey>;

export interface Enrolled {
  agent: Agent;
  key: Key;
  answer: RegistrationAnswer;
}

let nonces = 0;

/** The host `local` asks for a ticket for this instance. */
export async function ticketFor(
  bus: Bus,
  agent: Pick<Agent, 'agent_id'>,
  instance: string,
  enrolled = true,
): Promise<string | null> {
  const request = { agent_id: agent.agent_id, instance_id: instance, enrolled };
  const answer = await bus.request(subjects.hostLaunch('local'), JSON.stringify(request));
  return (answer.json() as { registration_token: string | null }).registration_token;
}

/** A launch of `instance` with a new key, up to its credentials. */
export async function launchedAgent(
  server: TestServer,
  bus: Bus,
  agent: Agent,
  instance: string,
  key: Key = createNkey('user'),
): Promise<Enrolled> {
  const token = await ticketFor(bus, agent, instance, false);
  const { status, body } = await server.call('POST', '/api/v1/agents', {
    token: null,
    body: {
      ...claimOf(agent),
      discovery_token: token,
      public_key: key.public_key,
      instance_id: instance,
    },
  });
  if (status !== 201) throw new Error(JSON.stringify(body));
  return { agent, key, answer: body as RegistrationAnswer };
}

/** Renewal by signature, as `instance`. */
export function renewAs(
  server: TestServer,
  { agent, key }: { agent: Pick<Agent, 'agent_id'>; key: Key },
  instance: string,
): Promise<Answer> {
  nonces += 1;
  const request = {
    instance_id: instance,
    timestamp: new Date().toISOString(),
    nonce: `renewal-nonce-${process.pid}-${nonces}`,
  };
  const text = credentialsChallenge({ agent_id: agent.agent_id, ...request });
  const signature = Buffer.from(signWithSeed(key.seed, Buffer.from(text))).toString('base64url');
  return server.call('POST', `/api/v1/agents/${agent.agent_id}/credentials`, {
    token: null,
    body: { ...request, signature },
  });
}

/** What a host says it runs: one instance of each agent given. */
export function hostSays(
  bus: Bus,
  running: readonly { agent: Agent; instance: string }[],
  now = new Date().toISOString(),
): void {
  const report: HostReport = {
    host_id: 'local',
    hostname: 'h',
    boot_id: 'b',
    pid: 1,
    started_at: now,
    timestamp: now,
    instances: running.map(({ agent, instance }) => ({
      agent_id: agent.agent_id,
      agent_name: agent.name,
      instance_id: instance,
      state: 'ready',
      reason: null,
      pid: 4_242,
      started_at: now,
      restarts: 0,
      next_start_at: null,
      generation: 1,
    })),
  };
  bus.publish(subjects.hostActual('local'), JSON.stringify(report));
}

export interface Connection {
  bus: Bus;
  /** Every change since the connection stood. */
  statuses: BusStatus[];
  /** `performance.now()` when it was thrown off; undefined while it was not. */
  refusedAt(): number | undefined;
}

/** A client with these credentials, as an agent has; `jwt` may change. */
export async function connectAs(
  server: TestServer,
  { agent, key }: { agent: Pick<Agent, 'name'>; key: Key },
  jwt: string | (() => string),
): Promise<Connection> {
  const bus = await connectBus({
    url: server.nats.url,
    name: agent.name,
    inboxPrefix: inboxPrefix(agent.name),
    logger: silentLogger,
    connectTimeoutMs: 5_000,
    credentials: () => ({ jwt: typeof jwt === 'string' ? jwt : jwt(), seed: key.seed }),
  });
  const statuses: BusStatus[] = [];
  let refused: number | undefined;
  bus.onStatus((status) => {
    statuses.push(status);
    if (status.state === 'down') refused ??= performance.now();
  });
  return { bus, statuses, refusedAt: () => refused };
}

export const jwtOf = (answer: RegistrationAnswer): string => answer.nats.credentials?.jwt ?? '';
