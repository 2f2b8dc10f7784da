/** A finding can be proven: what it was made of and by, and that the same rule tells the same again. */
import { type Bus, publishDurable } from '@opmas/bus';
import type { Agent, Finding, Rule } from '@opmas/protocol';
import { ruleVersion } from '@opmas/rules';
import { waitFor } from '@opmas/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sql } from '../../kernel/sql.ts';
import { finding, LONG, registeredAgent, testBus } from '../../testing/fleet.ts';
import { type TestServer, testServer } from '../../testing/server.ts';
import { trimKeys } from './findings.store.ts';
import { from, PROOF_BYTES } from './recorded-event.ts';

let server: TestServer;
let bus: Bus;
let agent: Agent;
let count = 0;

beforeAll(async () => {
  server = await testServer();
  bus = await testBus(server);
  agent = await registeredAgent(server, 'Proven');
});
afterAll(async () => {
  await bus.close();
  await server.stop();
});

/** As the package of the agent has it. */
const RULE: Rule = { id: 'r1', name: 'R', pattern: 'bad', severity: 'warning', action: 'alert' };

function eventOf(message: string) {
  count += 1;
  const at = new Date().toISOString();
  return { event_id: `proof-${count}`, timestamp: at, received_at: at, type: 'security', message };
}
type Event = ReturnType<typeof eventOf>;

const record = (...events: Event[]) =>
  publishDurable(bus, 'logs.security', events.map((event) => JSON.stringify(event)).join('\n'), {
    msgId: `batch-${events[0]?.event_id}`,
  });

async function found(event: Event, details: Record<string, unknown> = {}): Promise<string> {
  const id = `f-${event.event_id}`;
  const { event_id } = event;
  const made: Finding = finding(agent.agent_id, id, {
    timestamp: new Date().toISOString(),
    details: { event_id, rule_id: 'r1', rule_version: ruleVersion(RULE), event, ...details },
  });
  await publishDurable(bus, 'findings.security', JSON.stringify(made), { msgId: id });
  await waitFor(
    async () => (await server.call('GET', `/api/v1/findings/${id}`)).status === 200,
    LONG,
  );
  return id;
}

const prove = async (id: string) => server.call('GET', `/api/v1/findings/${id}/proof`);

test('tells event bytes, rule, agent version, package and configuration, and the same again', async () => {
  const [before, event] = [eventOf('good'), eventOf('very bad')];
  await record(before, event);
  const { status, body } = await prove(await found(event));
  expect(status).toBe(200);
  const hash = (await server.call('GET', `/api/v1/agents/${agent.agent_id}/config`)).body as {
    hash: string;
  };
  expect(body).toMatchObject({
    verdict: 'same',
    made_by: {
      agent_id: agent.agent_id,
      agent_name: 'Proven',
      agent_version: '1.0.0',
      package_digest: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      config_hash: hash.hash,
    },
    rule: { rule_id: 'r1', version: ruleVersion(RULE), from: 'in_force', document: RULE },
    event: {
      event_id: event.event_id,
      recorded: { subject: 'logs.security', json: JSON.stringify(event) },
    },
  });
});

test('an event that says something else than it was found for is not the same', async () => {
  const event = eventOf('all is well');
  await record(event);
  expect((await prove(await found(event))).body).toMatchObject({ verdict: 'not_same' });
});

test('an event that is not kept is told so', async () => {
  const event = eventOf('bad');
  expect((await prove(await found(event))).body).toMatchObject({
    verdict: 'event_gone',
    event: { event_id: event.event_id, recorded: null },
  });
});

test('an earlier version of a rule is found in the history, one nobody knows is gone', async () => {
  const path = `/api/v1/agents/${agent.agent_id}/config`;
  const earlier: Rule = { ...RULE, id: 'r2', pattern: 'worse' };
  expect((await server.call('PUT', path, { body: { rules: [earlier] } })).status).toBe(200);
  expect((await server.call('PUT', path, { body: {} })).status).toBe(200);
  const event = eventOf('worse');
  await record(event);
  const version = ruleVersion(earlier);
  const id = await found(event, { rule_id: 'r2', rule_version: version });
  expect((await prove(id)).body).toMatchObject({
    verdict: 'same',
    rule: { from: 'earlier_configuration', document: earlier },
  });
  const other = eventOf('worse');
  const gone = await found(other, { rule_id: 'r2', rule_version: '000000000000' });
  expect((await prove(gone)).body).toMatchObject({
    verdict: 'rule_gone',
    rule: { from: null, document: null },
  });
});

test('a window is proven from its first event on, over several messages', async () => {
  const often: Rule = { ...RULE, id: 'often', kind: 'threshold', count: 3, within_seconds: 60 };
  const path = `/api/v1/agents/${agent.agent_id}/config`;
  expect((await server.call('PUT', path, { body: { rules: [often] } })).status).toBe(200);
  const events = Array.from({ length: 5 }, () => eventOf('bad'));
  const [zero, first, second, third, fourth] = events as [Event, Event, Event, Event, Event];
  await record(zero, first);
  await record(second, third, fourth);
  const window = (last: Event) => ({
    window: {
      kind: 'threshold',
      count: 3,
      first_event_id: first.event_id,
      first_at: first.timestamp,
      last_event_id: last.event_id,
      last_at: last.timestamp,
    },
    rule_id: 'often',
    rule_version: ruleVersion(often),
  });
  expect((await prove(await found(third, window(third)))).body).toMatchObject({ verdict: 'same' });
  expect((await prove(await found(fourth, window(fourth)))).body).toMatchObject({
    verdict: 'not_same',
  });
});

test('code of an agent has no rule to run again, and nobody proves what is beyond their reach', async () => {
  const event = eventOf('bad');
  await record(event);
  const id = await found(event, { rule_id: undefined });
  expect((await prove(id)).body).toMatchObject({ verdict: 'not_by_rule', rule: null });
  expect((await prove('none')).status).toBe(404);
});

test('a finding outlives the key that made it single', async () => {
  const event = eventOf('bad');
  const id = await found(event);
  await trimKeys(server.database.pool, new Date(Date.now() + 60_000));
  expect(await server.call('GET', `/api/v1/findings/${id}`)).toMatchObject({ status: 200 });
});

test('findings of before say nothing of what made them', async () => {
  const event = eventOf('bad');
  const id = await found(event);
  await sql`UPDATE findings SET agent_version = NULL, package_digest = NULL, config_hash = NULL
    WHERE finding_id = ${id}`.execute(server.database.pool);
  expect((await prove(id)).body).toMatchObject({
    made_by: { agent_version: null, package_digest: null, config_hash: null },
  });
});

test('what an agent says of windows and times, however absurd, is not decided', async () => {
  for (const window of [
    {},
    { first_event_id: 'x', first_at: 'never' },
    { first_event_id: 'x', first_at: '-271821-04-20T00:00:00.000Z' },
  ]) {
    const event = { ...eventOf('bad'), received_at: '-271821-04-20T00:00:00.000Z' };
    await record(event);
    const { status, body } = await prove(await found(event, { window }));
    expect(status, JSON.stringify(body)).toBe(200);
    expect(body).toMatchObject({ verdict: 'not_decided' });
  }
});

test('the search for the first event of a window ends at its bound', async () => {
  let read = 0;
  const endless = (async function* () {
    const data = new Uint8Array(PROOF_BYTES / 4);
    for (; read < 100; read += 1) yield [{ subject: 'logs.x', seq: read + 1, storedAt: 0, data }];
  })();
  const found: unknown[] = [];
  for await (const messages of from('none', endless)) found.push(...messages);
  expect(found).toEqual([]);
  expect(read).toBeLessThan(10);
});
