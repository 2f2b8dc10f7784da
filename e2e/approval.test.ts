/** With OPMAS_DISCOVERY_APPROVAL=manual nothing runs before a person has said so. */
import { AgentPackage, Page } from '@opmas/protocol';
import { type TestServer, testServer } from '@opmas/server/testing';
import { waitFor } from '@opmas/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checked } from './api.ts';
import { limits } from './limits.ts';
import { writePackage } from './package-files.ts';

let server: TestServer;
beforeAll(async () => {
  server = await testServer({ env: { OPMAS_DISCOVERY_APPROVAL: 'manual' } });
}, limits.startMs);
afterAll(() => server?.stop(), limits.stopMs);

async function becomes(state: AgentPackage['state']): Promise<AgentPackage> {
  return waitFor(
    async () => {
      const { body } = await server.call('GET', '/api/v1/packages');
      return checked(Page(AgentPackage), body, 'packages').items.find((one) => one.state === state);
    },
    { timeoutMs: limits.waitMs, what: `a package ${state}` },
  );
}

test('a package waits until it is approved', async () => {
  writePackage(server.agentsDir, { folder: 'door_agent', name: 'DoorAgent' });
  expect(await becomes('waiting')).toMatchObject({ name: 'DoorAgent', agent_id: null, errors: [] });
  expect(await server.call('GET', '/api/v1/agents')).toMatchObject({ body: { items: [] } });
  const approved = await server.call('POST', '/api/v1/packages/DoorAgent/approve');
  expect(approved.status).toBe(200);
  const { agent_id } = await becomes('running');
  expect(agent_id).toMatch(/^door-/);
  expect(await server.call('GET', '/api/v1/agents')).toMatchObject({
    body: { items: [{ name: 'DoorAgent', status: 'registered', desired: 'running' }] },
  });
});
