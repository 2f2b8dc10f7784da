import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { publishDurable } from '@opmas/bus';
import { waitFor } from '@opmas/testkit';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { event, World } from '../test/world.ts';

let world: World;
beforeEach(async () => {
  world = await World.start();
});
afterEach(() => world.stop());

const RULES = JSON.stringify([
  {
    id: 'bad-password',
    name: 'Bad password',
    pattern: 'Bad password attempt',
    severity: 'warning',
    action: 'alert',
    type: 'login_failure',
  },
]);

async function send(topic: string, payload: string, id: string): Promise<void> {
  await publishDurable(world.admin, topic, payload, { msgId: id });
}

test('a rules package registers, heartbeats, and turns a log line into one finding', async () => {
  const heartbeats = world.collect('opmas.heartbeat.*');
  const findings = world.collect('findings.>');
  const agent = world.launch(world.package({ 'rules.json': RULES }), { token: world.newToken() });
  await waitFor(() => heartbeats.length > 0, { what: `a heartbeat: ${agent.log()}` });
  expect(heartbeats[0]).toMatchObject({ agent_id: world.agentId, config_version: 1 });

  const bad = event("Bad password attempt for 'root' from 203.0.113.9:40022", { api_key: 'x' });
  await send('logs.auth', JSON.stringify(bad), 'one');
  await send('logs.auth', JSON.stringify(event('all is well')), 'two');
  await waitFor(() => findings.length > 0, { what: `a finding: ${agent.log()}` });
  expect(findings).toMatchObject([
    {
      agent_id: world.agentId,
      type: 'login_failure',
      severity: 'warning',
      description: "Rule 'Bad password' matched",
      details: {
        event_id: bad['event_id'],
        rule_id: 'bad-password',
        matched_pattern: 'Bad password attempt',
        event: { api_key: '******' },
      },
    },
  ]);
  expect(statSync(join(world.stateDir, 'identity.json')).mode & 0o777).toBe(0o600);
  expect(readFileSync(join(world.stateDir, 'credentials.json'), 'utf8')).not.toContain('"seed"');

  agent.child.kill('SIGTERM');
  expect(await agent.exited()).toBe(0);
});
