/** An agent that leaves events unread finds what one finds that reads all, and still notices what is no event. */
import type { Rule } from '@opmas/protocol';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { BaseAgent } from '../base-agent.ts';
import { limits } from '../limits.ts';
import { type TestHarness, testAgent } from '../testing/index.ts';

const rule = (id: string, pattern: string, over: Partial<Rule> = {}): Rule => ({
  id,
  name: id,
  pattern,
  severity: 'warning',
  action: 'alert',
  ...over,
});
const RULES = [
  rule('plain', 'needle'),
  rule('quoted', 'say "no"'),
  rule('regex', 'lo+p \\d', { kind: 'regex' }),
  rule('where', 'needle', { where: { host: 'ap-1' } }),
  rule('twice', 'knock', { kind: 'threshold', count: 2, within_seconds: 60 }),
];

const event = (n: number, message: string, host = 'ap-1') => ({
  event_id: `e${n}`,
  timestamp: '2026-01-01T00:00:00Z',
  type: 'auth',
  message,
  host,
});
const lines = (messages: readonly string[]) =>
  messages.map((message, n) => JSON.stringify(event(n, message)));
const agentOf = (validate_every: number, rules: readonly Rule[] = RULES) =>
  testAgent(BaseAgent, { rules: [...rules], config: { processing: { validate_every } } });
const unread = (h: TestHarness) => h.metrics.get('events_unread');

const QUIET = Array.from({ length: 50 }, (_, n) => `nothing to see ${n}`);

describe('what is left unread', () => {
  test('changes no finding, whatever the events say and however they are written', async () => {
    const word = fc.constantFrom(
      'needle',
      'say "no"',
      'loop 7',
      'knock',
      'tab\there',
      'é',
      'quiet',
    );
    const line = fc
      .record({
        words: fc.array(word, { maxLength: 3 }),
        ascii: fc.boolean(),
        own: fc.boolean(),
        host: fc.constantFrom('ap-1', 'ap-2'),
        blank: fc.boolean(),
      })
      .map(({ words, ...how }) => ({ message: words.join(' '), ...how }));
    await fc.assert(
      fc.asyncProperty(fc.array(line, { minLength: 2, maxLength: 30 }), async (all) => {
        const written = all.map(({ message, ascii, own, host }, n) => {
          const json = JSON.stringify(event(n, message, host));
          const timed = own ? json.replace('00:00Z', '00:00.000Z') : json;
          return ascii ? timed.replace('n', '\\u006e') : timed;
        });
        const payload = written
          .map((text, n) => (all[n]?.blank ? `${text}\n \n` : text))
          .join('\n');
        const [some, proven, whole] = [agentOf(1_000_000), agentOf(1), agentOf(1)];
        for (const h of [some, proven]) await h.emitRaw('logs.auth', payload);
        // An array is always read whole.
        await whole.emitRaw('logs.auth', `[${written.join(',')}]`);
        const ids = ({ findings }: TestHarness) => findings.map(({ finding_id }) => finding_id);
        expect(ids(some)).toEqual(ids(whole));
        expect(ids(proven)).toEqual(ids(whole));
        expect(some.metrics.get('events_processed')).toBe(all.length);
        expect(some.metrics.get('processing_time')).toMatchObject({ count: all.length });
        expect(unread(whole)).toBe(0);
      }),
      { numRuns: 100 },
    );
  });

  test('is what no rule can match, but for one in so many', async () => {
    const h = agentOf(10, [rule('plain', 'needle')]);
    await h.emitRaw('logs.auth', lines([...QUIET, 'a needle']).join('\n'));
    expect(h.findings).toHaveLength(1);
    expect([unread(h), h.metrics.get('events_processed')]).toEqual([45, 51]);
  });

  test('is with every one validated what its bytes prove an event', async () => {
    const h = agentOf(1, [rule('plain', 'needle')]);
    const own = lines(QUIET).map((line) => line.replace('00:00Z', '00:00.000Z'));
    await h.emitRaw('logs.auth', [...own, ...lines(QUIET)].join('\n'));
    expect([unread(h), h.metrics.get('events_processed')]).toEqual([50, 100]);
    // No router says so: the message is read whole, and the one is told.
    await h.emitRaw('logs.auth', [...own, own[0]?.replace('01-01', '01-32')].join('\n'));
    expect(h.deadLetters).toHaveLength(1);
    expect(unread(h)).toBe(50);
  });

  test('is nothing of a single event, of an array, and of rules that look at every event', async () => {
    const single = agentOf(100);
    for (const line of lines(QUIET)) await single.emitRaw('logs.auth', line);
    const array = agentOf(100);
    await array.emitRaw('logs.auth', `[${lines(QUIET).join(',')}]`);
    const short = agentOf(100, [rule('short', 'ab')]);
    await short.emitRaw('logs.auth', lines(QUIET).join('\n'));
    expect([single, array, short].map(unread)).toEqual([0, 0, 0]);
  });

  test('is nothing in an agent with code of its own for events', async () => {
    const seen: string[] = [];
    class Own extends BaseAgent {
      override async processEvent({ message }: { message: string }): Promise<void> {
        seen.push(message);
      }
    }
    const h = testAgent(Own, { rules: RULES });
    await h.emitRaw('logs.auth', lines(QUIET).join('\n'));
    expect(seen).toEqual(QUIET);
  });

  test('is no longer looked for where most has to be read', async () => {
    // The rule's text stands in every message, and the rule matches none.
    const h = agentOf(100, [rule('common', 'nothing', { where: { host: 'ap-9' } })]);
    for (let n = 0; n < 20; n++) await h.emitRaw('logs.auth', lines(QUIET).join('\n'));
    expect([unread(h), h.findings]).toEqual([0, []]);
  });

  test('is what holds a rule’s text beside the message', async () => {
    const h = agentOf(100, [rule('common', 'auth')]);
    for (let n = 0; n < 20; n++) await h.emitRaw('logs.auth', lines(QUIET).join('\n'));
    expect([unread(h), h.findings]).toEqual([990, []]);
  });
});

describe('what is no event', () => {
  const broken = ['{"event_id":"x"}', '{"broken', '[]'];

  test.each(broken)(
    '%s: when it is read the whole message is, and all of them are told',
    async (bad) => {
      const h = agentOf(30, [rule('plain', 'needle')]);
      const good = lines([...QUIET, 'a needle']);
      await h.emitRaw('logs.auth', [...good.slice(0, 29), bad, ...good.slice(29), bad].join('\n'));
      expect(h.deadLetters).toHaveLength(2);
      expect(h.findings).toHaveLength(1);
      expect([unread(h), h.metrics.get('events_processed')]).toEqual([0, 51]);
    },
  );

  test('has everything in its topic read from then on, until all was well for long', async () => {
    const h = agentOf(30, [rule('plain', 'needle')]);
    const quiet = lines(QUIET).join('\n');
    await h.emitRaw('logs.auth', `${quiet}\n{"needle`);
    expect(h.deadLetters).toHaveLength(1);
    for (let read = 0; read < limits.trustedEvents; read += QUIET.length) {
      await h.emitRaw('logs.auth', quiet);
    }
    expect(unread(h)).toBe(0);
    await h.emitRaw('logs.auth', quiet);
    expect(unread(h)).toBeGreaterThan(0);
  });

  test('is found in the end by the sample, however little it looks like something', async () => {
    const h = agentOf(100, [rule('plain', 'needle')]);
    for (let n = 0; n < 100; n++) {
      await h.emitRaw('logs.auth', `${lines(QUIET.slice(0, 9)).join('\n')}\n{"junk":1}`);
    }
    expect(h.deadLetters.length).toBeGreaterThan(50);
  });

  test('does not move the places of others: what failed comes again, what was done does not', async () => {
    const done: string[] = [];
    let fails = true;
    class Acting extends BaseAgent {
      constructor(...given: ConstructorParameters<typeof BaseAgent>) {
        super(...given);
        this.registerAction('try', async (_match, { event_id }) => {
          if (fails && event_id === 'e3') throw new Error('not yet');
          done.push(event_id);
        });
      }
    }
    const h = testAgent(Acting, {
      rules: [rule('tries', 'needle', { action: 'try' })],
      config: { processing: { validate_every: 1_000_000 } },
    });
    const [a, b, c, d, e] = lines(['needle', 'quiet', 'needle', 'needle', 'needle']);
    // The junk stands before what fails, and is not read at first.
    await h.emitRaw('logs.auth', [a, '{"junk":1}', b, '{"junk', c, d, e].join('\n'));
    fails = false;
    await h.redeliver();
    expect(done.filter((id) => id === 'e3')).toEqual(['e3']);
    expect(new Set(done)).toEqual(new Set(['e0', 'e2', 'e3', 'e4']));
    expect(done.at(-1)).toBe('e4');
    expect(h.deadLetters).toHaveLength(2);
  });
});
