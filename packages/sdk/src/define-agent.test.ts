import { expect, expectTypeOf, test } from 'vitest';
import { AgentError, defineAgent, t } from './index.ts';
import { testAgent } from './testing/index.ts';

const matching = (pattern: RegExp): unknown => expect.stringMatching(pattern);

const rules = [
  { id: 'r1', name: 'Bad', pattern: 'Bad password', severity: 'warning', action: 'alert' },
] as const;

test('a complete agent takes one line and matches the configured rules', async () => {
  const h = testAgent(defineAgent({ type: 'security' }), { rules });
  await h.emit('logs.auth', { message: 'Bad password for root' });
  await h.emit('logs.auth', { message: 'fine' });
  expect(h.findings).toHaveLength(1);
  expect(h.findings[0]).toMatchObject({
    type: 'generic_alert',
    description: "Rule 'Bad' matched",
    details: { rule_id: 'r1', rule_version: matching(/^[0-9a-f]{12}$/) },
  });
});

const burst = defineAgent({
  type: 'security',
  config: {
    words: t.list(t.string(''), ['root', 'admin']),
    limit: t.int(2, { min: 1, max: 10 }),
    mode: t.oneOf(['loose', 'strict'], 'loose'),
  },
  on: {
    'logs.security': async (event, ctx) => {
      expectTypeOf(ctx.config.limit).toEqualTypeOf<number>();
      expectTypeOf(ctx.config.mode).toEqualTypeOf<'loose' | 'strict'>();
      const hits = ctx.config.words.filter((word) => event.message.includes(word));
      for (const word of hits.slice(0, ctx.config.limit)) {
        await ctx.finding({
          type: 'word_seen',
          severity: 'info',
          description: `saw ${word}`,
          dedupeKey: word,
          details: { word },
        });
      }
    },
  },
});

test('handlers see typed configuration, defaults included', async () => {
  const h = testAgent(burst);
  await h.emit('logs.security', { message: 'root and admin', event_id: 'e1' });
  expect(h.findings.map((f) => f.description)).toEqual(['saw root', 'saw admin']);
  expect(h.findings[0]?.details).toMatchObject({ event_id: 'e1', word: 'root' });
  const narrow = testAgent(burst, { config: { limit: 1 } });
  await narrow.emit('logs.security', { message: 'root and admin' });
  expect(narrow.findings).toHaveLength(1);
});

test('a redelivery repeats the same findings and makes no second one', async () => {
  const h = testAgent(burst);
  await h.emit('logs.security', { message: 'root and admin' });
  await h.redeliver();
  expect(h.published).toHaveLength(4);
  expect(h.findings).toHaveLength(2);
});

test('a configuration against the declared fields is refused and the old one stays', async () => {
  const h = testAgent(burst);
  await h.emit('logs.security', { message: 'nothing' });
  const reply = await h.control({
    command: 'update_config',
    command_id: 'c1',
    payload: { config: { limit: 99, mode: 'wild' } },
  });
  expect(reply).toMatchObject({ ok: false, command_id: 'c1' });
  expect(reply.error).toContain('limit');
  expect(reply.error).toContain('mode');
  expect(h.agent.config.get('limit')).toBe(2);
  expect(h.agent.getStatus().config).toMatchObject({
    running_hash: h.agent.config.hash,
    attempted_hash: matching(/^[0-9a-f]{64}$/),
    error: matching(/limit/),
  });
});

test('a topic without a handler is not read without a package; a wrong topic is refused at once', async () => {
  const h = testAgent(burst);
  await expect(h.emit('logs.wifi', {})).rejects.toThrow('does not read logs.wifi');
  const wrong: string = 'findings.x';
  expect(() => defineAgent({ type: 'x', on: { [wrong]: () => {} } })).toThrow(AgentError);
  expect(() => defineAgent({ type: 'x', config: { n: t.int(0, { min: 1 }) } })).toThrow(/n must/);
});

test('a handler may match the rules itself', async () => {
  const agent = defineAgent({
    type: 'x',
    rules,
    on: {
      'logs.auth': async (event, ctx) => {
        for (const match of ctx.match(event)) await ctx.finding(match);
      },
    },
  });
  const h = testAgent(agent);
  await h.emit('logs.auth', { message: 'Bad password' });
  expect(h.findings[0]?.details.rule_id).toBe('r1');
});
