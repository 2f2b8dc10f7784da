/** Rules that count over time in an agent: restarts, repetitions, failures, absence, actions. */
import type { LogEvent, Rule } from '@opmas/protocol';
import { expect, test } from 'vitest';
import { BaseAgent } from '../base-agent.ts';
import { fakeClock, MemoryWindowLog, testAgent } from '../testing/index.ts';

const TOPIC = 'logs.auth';
const CONFIG = { subscribed_topics: [TOPIC] };
const START = Date.UTC(2026, 0, 1);

const BRUTE_FORCE: Rule = {
  id: 'brute-force',
  name: 'Brute force',
  kind: 'threshold',
  pattern: 'from (?<ip>\\S+)',
  pattern_kind: 'regex',
  group_by: ['ip'],
  count: 3,
  within_seconds: 60,
  severity: 'error',
  action: 'alert',
  type: 'brute_force',
  tags: ['ssh'],
  references: ['T1110'],
};

const failed = (id: string, second = 0, ip = '203.0.113.9'): LogEvent => {
  const at = new Date(START + second * 1_000).toISOString();
  return {
    event_id: id,
    timestamp: at,
    received_at: at,
    type: 'auth',
    message: `Bad password from ${ip}`,
  };
};

const batch = (...events: LogEvent[]) => JSON.stringify(events);

class OneByOne extends BaseAgent {
  override async processEvent(event: LogEvent): Promise<void> {
    await super.processEvent(event);
  }
}

test.each([
  ['a message at one go', BaseAgent],
  ['event by event', OneByOne],
])('a finding tells the window: %s', async (_name, Agent) => {
  const h = testAgent(Agent, { rules: [BRUTE_FORCE], config: CONFIG });
  await h.emitRaw(TOPIC, batch(failed('a'), failed('b', 1, '198.51.100.1'), failed('c', 2)));
  expect(h.findings).toEqual([]);
  await h.emitRaw(TOPIC, batch(failed('d', 3)));
  expect(h.findings).toHaveLength(1);
  expect(h.findings[0]).toMatchObject({
    type: 'brute_force',
    severity: 'error',
    description: "Rule 'Brute force': 3 events within 60 s (ip 203.0.113.9)",
    details: {
      event_id: 'd',
      rule_id: 'brute-force',
      event: { event_id: 'd' },
      tags: ['ssh'],
      references: ['T1110'],
      window: {
        kind: 'threshold',
        by: '203.0.113.9',
        group: { ip: '203.0.113.9' },
        count: 3,
        first_event_id: 'a',
        first_at: '2026-01-01T00:00:00.000Z',
        last_event_id: 'd',
        last_at: '2026-01-01T00:00:03.000Z',
      },
    },
  });
  expect(h.metrics.get('window_keys')).toBe(2);
});

test.each([
  ['a message at one go', BaseAgent],
  ['event by event', OneByOne],
])('split by an end without warning it still fires, once: %s', async (_name, Agent) => {
  const options = { rules: [BRUTE_FORCE], config: CONFIG };
  const before = testAgent(Agent, options);
  expect(await before.emitRaw(TOPIC, batch(failed('a'), failed('b', 1)))).toBe('acked');
  // Not stopped: what is in the log is what was there at the acknowledgement.
  const windowLog = new MemoryWindowLog();
  windowLog.lines.push(...before.windowLog.lines);
  const after = testAgent(Agent, { ...options, windowLog });
  // The message comes again, as after a lost acknowledgement.
  await after.emitRaw(TOPIC, batch(failed('a'), failed('b', 1)));
  expect(after.findings).toEqual([]);
  await after.emitRaw(TOPIC, batch(failed('c', 2), failed('d', 3)));
  await after.redeliver();
  expect(after.published.map(({ details }) => details.event_id)).toEqual(['c']);
});

test('nothing is acknowledged or published before it is kept; then once', async () => {
  const h = testAgent(BaseAgent, { rules: [BRUTE_FORCE], config: CONFIG });
  h.windowLog.failure = new Error('no space left');
  const events = batch(failed('a'), failed('b', 1), failed('c', 2));
  expect(await h.emitRaw(TOPIC, events)).toBe('retried');
  expect(h.published).toEqual([]);
  expect(h.windowLog.lines).toEqual([]);
  expect(h.logs.some(({ message }) => message.includes('no space left'))).toBe(true);
  h.windowLog.failure = undefined;
  expect(await h.redeliver()).toBe('acked');
  expect(h.findings.map(({ details }) => details.event_id)).toEqual(['c']);
});

test('a firing whose finding was not stored is told again when its event comes again', async () => {
  let fail = true;
  class Failing extends BaseAgent {
    override async processEvent(event: LogEvent): Promise<void> {
      for (const match of this.match(event)) {
        if (fail) throw new Error('not now');
        await this.act(match, event);
      }
    }
  }
  const h = testAgent(Failing, { rules: [{ ...BRUTE_FORCE, count: 1 }], config: CONFIG });
  expect(await h.emitRaw(TOPIC, batch(failed('a')))).toBe('retried');
  fail = false;
  expect(await h.redeliver()).toBe('acked');
  expect(await h.redeliver()).toBe('acked');
  expect(h.published.map(({ details }) => details.event_id)).toEqual(['a']);
});

test('a change of rules keeps what others counted', async () => {
  const h = testAgent(BaseAgent, { rules: [BRUTE_FORCE], config: CONFIG });
  await h.emitRaw(TOPIC, batch(failed('a'), failed('b', 1)));
  const rules = [{ ...BRUTE_FORCE, id: 'other', count: 5 }, BRUTE_FORCE];
  await h.control({ command: 'update_config', payload: { config: { rules } } });
  await h.emitRaw(TOPIC, batch(failed('c', 2)));
  expect(h.findings.map(({ details }) => details.rule_id)).toEqual(['brute-force']);
});

test('absence is told when time has passed, once, also over a restart', async () => {
  const rule: Rule = {
    ...BRUTE_FORCE,
    id: 'no-answer',
    pattern: 'password from (?<ip>\\S+)',
    name: 'No answer',
    kind: 'absence',
    within_seconds: 30,
    followed_by: { pattern: 'welcome from (?<ip>\\S+)', pattern_kind: 'regex' },
  };
  const { count: _count, ...absence } = rule;
  const clock = fakeClock(START);
  const options = { rules: [absence], config: CONFIG, clock };
  const before = testAgent(BaseAgent, options);
  const answer = { ...failed('b', 2), message: 'welcome from 203.0.113.9' };
  await before.emitRaw(TOPIC, batch(failed('a', 1), answer, failed('c', 3), failed('d', 3, 'x')));
  await clock.tick(20_000);
  expect(before.findings).toEqual([]);
  await before.stop();

  const after = testAgent(BaseAgent, { ...options, windowLog: before.windowLog });
  await after.start();
  await clock.tick(20_000);
  expect(after.findings).toHaveLength(2);
  expect(after.findings[0]).toMatchObject({
    description: "Rule 'No answer': not followed within 30 s (ip 203.0.113.9)",
    details: { event_id: 'c', window: { kind: 'absence', by: '203.0.113.9', count: 0 } },
  });
  expect(after.findings[0]?.details.event).toBeUndefined();
  await clock.tick(100_000);
  await after.stop();
  const last = testAgent(BaseAgent, { ...options, windowLog: after.windowLog });
  await last.start();
  await clock.tick(100_000);
  expect(last.published).toEqual([]);
  await last.stop();
});

test('a host that falls silent is told once, until it is heard again', async () => {
  const rule: Rule = {
    id: 'silent',
    name: 'Silent host',
    kind: 'absence',
    pattern: '',
    group_by: ['host'],
    within_seconds: 60,
    severity: 'warning',
    action: 'alert',
  };
  const clock = fakeClock(START);
  const h = testAgent(BaseAgent, { rules: [rule], config: CONFIG, clock });
  const heard = (id: string) => {
    const at = new Date(clock.now()).toISOString();
    return h.emit(TOPIC, { event_id: id, host: 'ap-1', timestamp: at, received_at: at });
  };
  for (let n = 0; n < 5; n += 1) {
    await heard(`e${n}`);
    await clock.tick(40_000);
  }
  expect(h.findings).toEqual([]);
  await clock.tick(600_000);
  expect(h.findings.map(({ details }) => details.event_id)).toEqual(['e4']);
  await heard('back');
  await clock.tick(600_000);
  expect(h.findings.map(({ details }) => details.event_id)).toEqual(['e4', 'back']);
  await h.stop();
});

test('windows that give way are told', async () => {
  const rules = Array.from(
    { length: 2_000 },
    (_, n): Rule => ({
      ...BRUTE_FORCE,
      id: `r${n}`,
      pattern: `never seen ${n} from (?<ip>\\S+)`,
    }),
  );
  const h = testAgent(BaseAgent, { rules: [...rules, BRUTE_FORCE], config: CONFIG });
  // With so many rules each has room for the least number of keys.
  for (let n = 0; n < 101; n += 1) await h.emitRaw(TOPIC, batch(failed(`e${n}`, 0, `ip${n}`)));
  expect(h.metrics.get('window_evictions')).toBe(1);
  expect(h.logs.some(({ message }) => message.includes('gave way to others'))).toBe(true);
  expect(h.agent.getStatus().reason).toContain('gave way to others');
});

test('actions: a line in the log, a channel, one of the agent’s own, and none that nobody knows', async () => {
  const called: string[] = [];
  class Acting extends BaseAgent {
    constructor(...given: ConstructorParameters<typeof BaseAgent>) {
      super(...given);
      this.registerAction('ban', async (match, event) => {
        called.push(`${match.rule.id} ${event.event_id}`);
      });
    }
  }
  const rule = (action: string): Rule => ({
    id: action,
    name: action,
    pattern: 'password',
    severity: 'error',
    action,
  });
  const rules = [rule('alert'), rule('log'), rule('webhook:night_shift'), rule('ban')];
  const h = testAgent(Acting, { rules, config: CONFIG });
  await h.emitRaw(TOPIC, batch(failed('a')));
  expect(h.findings.map(({ details }) => [details.rule_id, details['action' as never]])).toEqual([
    ['alert', undefined],
    ['webhook:night_shift', 'webhook:night_shift'],
  ]);
  expect(called).toEqual(['ban a']);
  const [line] = h.logs.filter(({ message }) => message === "Rule 'log' matched");
  expect(line).toMatchObject({ level: 'error', context: { rule_id: 'log', event_id: 'a' } });
  const refused = await h.control({
    command: 'update_config',
    payload: { config: { rules: [rule('alert'), rule('page-me'), rule('webhook:')] } },
  });
  expect(refused).toMatchObject({ ok: false });
  expect(JSON.stringify(refused)).toContain('rules.1.action');
  expect(JSON.stringify(refused)).toContain('rules.2.action');
  expect(() => h.agent.registerAction('alert', () => {})).toThrow('is taken');
  expect(() => h.agent.registerAction('Not A Name', () => {})).toThrow('is no name');
});

test('an instance that stands by can be stopped, and takes over when the other has ended', async () => {
  const windowLog = new MemoryWindowLog();
  windowLog.taken = true;
  const clock = fakeClock(START);
  const options = { rules: [BRUTE_FORCE], config: CONFIG, clock, windowLog };
  const waiting = testAgent(BaseAgent, options);
  const started = waiting.start();
  await clock.tick(5_000);
  expect(waiting.logs.filter(({ message }) => message.includes('stands by'))).toHaveLength(1);
  expect(waiting.agent.topics).toEqual([]);
  expect(waiting.told.some(({ kind }) => kind === 'heartbeat')).toBe(true);
  await waiting.stop();
  await started;

  windowLog.taken = true;
  const next = testAgent(BaseAgent, options);
  const running = next.start();
  await clock.tick(1_000);
  expect(next.agent.topics).toEqual([]);
  windowLog.taken = false;
  await clock.tick(1_000);
  await running;
  expect(next.agent.topics).toEqual([TOPIC]);
  await next.stop();
});
