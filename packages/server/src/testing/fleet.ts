/** What tests of a whole server need around it: a connection to its broker, packages, agents. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Bus, connectBus, systemInbox } from '@opmas/bus';
import {
  type Agent,
  type Finding,
  isPlainObject,
  type LaunchTicket,
  type RegistrationAnswer,
  subjects,
} from '@opmas/protocol';
import { waitFor } from '@opmas/testkit';
import { silentLogger } from '../kernel/logger.ts';
import type { TestServer } from './server.ts';

/** Generous: a loaded machine must not fail a test. */
export const LONG = { timeoutMs: 30_000 };

/** May everything in the account: agents, hosts and their enemies. */
export function testBus(server: TestServer): Promise<Bus> {
  return connectBus({
    url: server.nats.url,
    name: 'test',
    // The server answers into inboxes of hosts alone.
    inboxPrefix: systemInbox.host('local'),
    credsFile: server.nats.credsFor('test').file,
    logger: silentLogger,
  });
}

/** Drops a rules package and waits until its agent is registered. */
export async function registeredAgent(server: TestServer, name: string): Promise<Agent> {
  const dir = join(server.agentsDir, name.toLowerCase());
  mkdirSync(dir, { recursive: true });
  const rule = { id: 'r1', name: 'R', pattern: 'bad', severity: 'warning', action: 'alert' };
  writeFileSync(join(dir, 'rules.json'), JSON.stringify([rule]));
  writeFileSync(
    join(dir, '.env.discovery'),
    `AGENT_NAME=${name}\nAGENT_VERSION=1.0.0\nAGENT_DESCRIPTION=Test\nAGENT_TYPE=test\n` +
      'DEFAULT_SUBSCRIBED_TOPICS=logs.security\nDEFAULT_FINDINGS_TOPIC=findings.security\n',
  );
  return waitFor(async () => {
    const { body } = await server.call('GET', `/api/v1/agents?q=${name}`);
    return itemsOf<Agent>(body).find((agent) => agent.name === name && agent.host_id !== null);
  }, LONG);
}

/** What a host is told when it is about to start the agent. */
export async function launchTicket(
  bus: Bus,
  agent: Agent,
  enrolled = false,
): Promise<LaunchTicket> {
  const request = { agent_id: agent.agent_id, instance_id: 'i1', enrolled };
  const answer = await bus.request(subjects.hostLaunch('local'), JSON.stringify(request));
  return answer.json() as LaunchTicket;
}

/** Claims a ticket as an agent does. */
export async function register(
  server: TestServer,
  bus: Bus,
  agent: Agent,
  publicKey?: string,
): Promise<RegistrationAnswer> {
  const { registration_token } = await launchTicket(bus, agent);
  const { body, status } = await server.call('POST', '/api/v1/agents', {
    token: null,
    body: {
      ...claimOf(agent),
      discovery_token: registration_token,
      ...(publicKey === undefined ? {} : { public_key: publicKey }),
    },
  });
  if (status !== 201) throw new Error(JSON.stringify(body));
  return body as RegistrationAnswer;
}

export function claimOf(agent: Agent) {
  return { agent_name: agent.name, agent_version: agent.version, agent_type: agent.type };
}

export function finding(agentId: string, id: string, more: Partial<Finding> = {}): Finding {
  return {
    finding_id: id,
    agent_id: agentId,
    type: 'test.finding',
    severity: 'warning',
    timestamp: '2026-03-01T10:00:00.000Z',
    description: `Finding ${id}`,
    details: { event_id: `e-${id}` },
    ...more,
  };
}

export function itemsOf<T>(body: unknown): T[] {
  return isPlainObject(body) && Array.isArray(body['items']) ? (body['items'] as T[]) : [];
}
