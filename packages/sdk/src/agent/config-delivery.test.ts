/** What an agent does with configurations it is offered: whole or not at all, and back to one that worked. */
import { setImmediate } from 'node:timers/promises';
import type { ConfigOutcome, ControlReply } from '@opmas/protocol';
import { waitFor } from '@opmas/testkit';
import { expect, test } from 'vitest';
import { configHash } from '../config.ts';
import { BaseAgent, defineAgent } from '../index.ts';
import { type FakeClock, fakeClock } from '../testing/fake-clock.ts';
import { testAgent } from '../testing/index.ts';
import { TestRuntime } from '../testing/test-runtime.ts';
import { ConfigLedger } from './config-ledger.ts';

const rule = (id: string, pattern: string) => ({
  id,
  name: id,
  pattern,
  severity: 'warning' as const,
  action: 'alert',
});

const runtimeOn = (clock: FakeClock) =>
  new TestRuntime({ agentName: 'A', agentType: 't', clock, packageDefaults: {}, config: {} });

const offer = (hash: string, config: object, more: object = {}) => ({
  command: 'update_config',
  payload: { version: 2, hash, config, ...more },
});
const outcomeOf = (reply: ControlReply) => reply.data as ConfigOutcome;

test('an empty list of rules from the server clears those of the package', async () => {
  const h = testAgent(BaseAgent, { config: { rules: [rule('r1', 'a')] } });
  await h.start();
  expect(h.agent.config.value.rules).toHaveLength(1);
  const reply = await h.control(offer('h2', { rules: [], subscribed_topics: ['logs.auth'] }));
  expect(reply).toMatchObject({ ok: true, data: { running_hash: 'h2', attempted_hash: 'h2' } });
  expect(h.agent.config.value.rules).toEqual([]);
  await h.emit('logs.auth', { message: 'a' });
  expect(h.findings).toEqual([]);
});

test('rules that only the code of an agent has hold while nobody says others', async () => {
  const agent = defineAgent({ type: 'x', rules: [rule('own', 'a')] });
  const h = testAgent(agent, { config: { rules: [] } });
  await h.emit('logs.auth', { message: 'a' });
  expect(h.findings.map((f) => f.details.rule_id)).toEqual(['own']);
});

test('a refused configuration is answered with every path, and the old one goes on', async () => {
  const h = testAgent(BaseAgent, { rules: [rule('r1', 'a')] });
  await h.start();
  const running = h.agent.config.hash;
  const reply = await h.control(
    offer('bad', { processing: { batch_size: 0 }, rules: [{ ...rule('r2', 'b'), severity: 'x' }] }),
  );
  expect(reply.ok).toBe(false);
  expect(outcomeOf(reply)).toMatchObject({ running_hash: running, attempted_hash: 'bad' });
  const paths = outcomeOf(reply).errors?.map(({ path }) => path);
  expect(paths).toEqual(expect.arrayContaining(['processing.batch_size', 'rules.0.severity']));
  expect(outcomeOf(reply).transient).toBeUndefined();
  expect(h.agent.getStatus().config).toMatchObject({
    running_hash: running,
    attempted_hash: 'bad',
    errors: expect.arrayContaining([{ path: 'processing.batch_size', message: expect.anything() }]),
  });
  await h.emit('logs.auth', { message: 'a' });
  expect(h.findings).toHaveLength(1);
});

test('one that the agent cannot follow is taken back whole, and reported', async () => {
  class Picky extends BaseAgent {
    modes: unknown[] = [];
    protected override async configChanged(): Promise<void> {
      this.modes.push(this.config.get('mode'));
      if (this.config.get('mode') === 'impossible') throw new Error('no such thing');
    }
  }
  const h = testAgent(Picky, { config: { mode: 'fine', subscribed_topics: ['logs.auth'] } });
  await h.start();
  const running = h.agent.config.hash;
  const reply = await h.control(
    offer('odd', { mode: 'impossible', subscribed_topics: ['logs.wifi'] }),
  );
  expect(reply).toMatchObject({
    ok: false,
    data: { running_hash: running, attempted_hash: 'odd' },
  });
  expect(outcomeOf(reply).errors?.[0]?.message).toContain('no such thing');
  expect(h.agent.config.get('mode')).toBe('fine');
  expect(h.agent.topics).toEqual(['logs.auth']);
  expect((h.agent as Picky).modes).toEqual(['fine', 'impossible', 'fine']);
  // Not tried again, here and at the next start, until somebody asks for it.
  const again = await h.control(offer('odd', { mode: 'impossible' }));
  expect(outcomeOf(again).errors?.[0]?.message).toContain('no such thing');
  expect((h.agent as Picky).modes).toHaveLength(3);
  await h.control(offer('odd', { mode: 'impossible' }, { retry: true }));
  expect((h.agent as Picky).modes).toHaveLength(5);
});

test('one that could not be followed is taken back also where nothing can be kept any more', async () => {
  let full = false;
  class Picky extends BaseAgent {
    protected override async configChanged(): Promise<void> {
      full = this.config.get('mode') === 'impossible';
      if (full) throw new Error('no such thing');
    }
  }
  const keep = TestRuntime.prototype.keepConfigs;
  TestRuntime.prototype.keepConfigs = async function (kept) {
    if (full) throw new Error('the disk is full');
    await keep.call(this, kept);
  };
  try {
    const h = testAgent(Picky, { config: { mode: 'fine', subscribed_topics: ['logs.auth'] } });
    await h.start();
    await h.control(offer('odd', { mode: 'impossible', subscribed_topics: ['logs.wifi'] }));
    expect(h.agent.topics).toEqual(['logs.auth']);
  } finally {
    TestRuntime.prototype.keepConfigs = keep;
  }
});

test('one that the agent never ends to follow is taken back, and was never told as running', async () => {
  let stuck = false;
  class Stuck extends BaseAgent {
    protected override async configChanged(): Promise<void> {
      if (this.config.get('mode') !== 'endless') return;
      stuck = true;
      await new Promise(() => undefined);
    }
  }
  const h = testAgent(Stuck, { config: { mode: 'fine' } });
  await h.start();
  const running = h.agent.config.hash;
  const toldBefore = h.told.length;
  const reply = h.control(offer('odd', { mode: 'endless' }));
  await waitFor(() => stuck);
  await h.clock.tick(11_000);
  expect(h.agent.config.get('mode')).toBe('endless');
  await h.clock.tick(2_000);
  expect(await reply).toMatchObject({
    ok: false,
    data: { running_hash: running, attempted_hash: 'odd' },
  });
  expect(outcomeOf(await reply).errors?.[0]?.message).toContain('took longer than 12 s');
  expect(h.agent.config.get('mode')).toBe('fine');
  const told = JSON.stringify(h.told.slice(toldBefore));
  expect(told).not.toContain('"config_hash":"odd"');
  expect(told).not.toContain('"running_hash":"odd"');
});

test('without credentials for new topics nothing is changed, and it is worth telling again', async () => {
  const h = testAgent(BaseAgent, { config: { subscribed_topics: ['logs.auth'] } });
  await h.start();
  const renew = TestRuntime.prototype.renewAccess;
  TestRuntime.prototype.renewAccess = async () => {
    throw new Error('the server is away');
  };
  try {
    const reply = await h.control(offer('h2', { subscribed_topics: ['logs.wifi'] }));
    expect(reply).toMatchObject({ ok: false, data: { transient: true } });
    expect(h.agent.topics).toEqual(['logs.auth']);
  } finally {
    TestRuntime.prototype.renewAccess = renew;
  }
  expect(await h.control(offer('h2', { subscribed_topics: ['logs.wifi'] }))).toMatchObject({
    ok: true,
  });
  expect(h.agent.topics).toEqual(['logs.wifi']);
});

test('changes that come at once are made one after another', async () => {
  const h = testAgent(BaseAgent);
  await h.start();
  const replies = await Promise.all(
    ['h2', 'h3', 'h4'].map((hash, n) => h.control(offer(hash, { processing: { timeout: n + 1 } }))),
  );
  expect(replies.map((reply) => outcomeOf(reply).attempted_hash)).toHaveLength(3);
  expect(h.agent.config.hash).toBe('h4');
  expect(h.agent.config.get('timeout')).toBe(3);
});

test('what failed here is refused without another look, until somebody asks for one', async () => {
  const runtime = runtimeOn(fakeClock());
  const config = { version: 1, hash: 'good', config: {} };
  runtime.kept = {
    current: { ...config, healthy: true, starts: 0 },
    healthy: null,
    failed: [{ hash: 'bad', errors: [{ path: 'x', message: 'y' }], at: '2026-01-01T00:00:00Z' }],
  };
  const agent = new BaseAgent('t-1', 'http://127.0.0.1', undefined, runtime);
  await agent.start();
  const say = (more: object) =>
    agent.handleControlMessage({
      ...offer('bad', {}, more),
      command: 'update_config',
      timestamp: '2026-01-01T00:00:00Z',
    });
  expect(await say({})).toMatchObject({ ok: false, data: { errors: [{ path: 'x' }] } });
  expect(await say({ retry: true })).toMatchObject({ ok: true, data: { running_hash: 'bad' } });
  await agent.stop();
});

test('a configuration without proof is given up after three starts, for the last one that had it', async () => {
  const runtime = runtimeOn(fakeClock());
  const good = { version: 1, hash: 'good', config: { a: 1 } };
  const bad = { version: 2, hash: 'bad', config: { a: 2 } };
  let ledger = new ConfigLedger(runtime);
  await ledger.load();
  expect(await ledger.starting()).toEqual([]);
  await ledger.accept(good);
  await ledger.proven('good');
  await ledger.accept(bad);
  for (let start = 2; start <= 3; start += 1) {
    ledger = new ConfigLedger(runtime);
    await ledger.load();
    expect((await ledger.starting()).map(({ hash }) => hash)).toEqual(['bad', 'good']);
    await ledger.accept(bad);
  }
  ledger = new ConfigLedger(runtime);
  await ledger.load();
  expect((await ledger.starting()).map(({ hash }) => hash)).toEqual(['good']);
  expect(ledger.failureOf('bad')?.[0]?.message).toContain('ended 3 times');
  expect(runtime.kept).toMatchObject({ current: { hash: 'good', healthy: true }, healthy: null });
});

test('a start that fell back is well again when the server wants what runs', async () => {
  const clock = fakeClock();
  const good = { version: 1, hash: configHash({ mode: 'fine' }), config: { mode: 'fine' } };
  const bad = { version: 1, hash: 'bad', config: { mode: 'odd' }, healthy: false, starts: 3 };
  const runtime = new TestRuntime({
    agentName: 'A',
    agentType: 't',
    clock,
    packageDefaults: {},
    config: good.config,
  });
  runtime.kept = { current: bad, healthy: good, failed: [] };
  const agent = new BaseAgent('a-1', 'http://127.0.0.1', undefined, runtime);
  await agent.start();
  await waitFor(() => agent.getStatus().config?.attempted_hash === good.hash);
  expect(agent.config.hash).toBe(good.hash);
  expect(agent.getStatus()).toMatchObject({ status: 'healthy', reason: '' });
  await agent.stop();
});

test('one that was refused is no concern any more when the one that runs is offered again', async () => {
  const h = testAgent(BaseAgent);
  await h.start();
  const { hash, version } = h.agent.config;
  await h.control(offer('bad', { processing: { batch_size: 0 } }));
  expect(h.agent.getStatus().status).toBe('degraded');
  const reply = await h.control({
    command: 'update_config',
    payload: { version, hash, config: {} },
  });
  expect(reply).toMatchObject({ ok: true, data: { running_hash: hash, attempted_hash: hash } });
  expect(h.agent.getStatus()).toMatchObject({ status: 'healthy', reason: '' });
});

test('a proof that comes while another configuration is being kept takes nothing back', async () => {
  const runtime = runtimeOn(fakeClock());
  const ledger = new ConfigLedger(runtime);
  await ledger.load();
  await ledger.accept({ version: 1, hash: 'first', config: {} });
  const keep = runtime.keepConfigs.bind(runtime);
  let writing = 0;
  // What is written first ends last.
  runtime.keepConfigs = async (kept) => {
    writing += 1;
    expect(writing).toBe(1);
    await setImmediate();
    await keep(kept);
    writing -= 1;
  };
  await Promise.all([
    ledger.proven('first'),
    ledger.accept({ version: 2, hash: 'second', config: {} }),
    ledger.proven('first'),
    ledger.forgive(),
  ]);
  expect(runtime.kept).toMatchObject({
    current: { hash: 'second', healthy: false },
    healthy: { hash: 'first' },
  });
});

test('where none has proven itself, the one before is what to go back to', async () => {
  const runtime = runtimeOn(fakeClock());
  const ledger = new ConfigLedger(runtime);
  await ledger.load();
  await ledger.accept({ version: 1, hash: 'first', config: {} });
  await ledger.accept({ version: 2, hash: 'second', config: {} });
  expect(await ledger.giveUp([{ path: '', message: 'no' }])).toBe(true);
  expect(runtime.kept).toMatchObject({ current: { hash: 'first' }, failed: [{ hash: 'second' }] });
});

test('an end in order counts nothing, and without a proven one there is nothing to go back to', async () => {
  const runtime = runtimeOn(fakeClock());
  const only = { version: 1, hash: 'only', config: {} };
  for (let start = 0; start < 6; start += 1) {
    const ledger = new ConfigLedger(runtime);
    await ledger.load();
    await ledger.starting();
    await ledger.accept(only);
    if (start < 3) await ledger.ended();
  }
  expect(runtime.kept?.current).toMatchObject({ hash: 'only', starts: 3 });
  const ledger = new ConfigLedger(runtime);
  await ledger.load();
  expect(await ledger.starting()).toHaveLength(1);
  expect(await ledger.giveUp([])).toBe(false);
});

test('ten seconds without failure prove a configuration; failures begin the time anew', async () => {
  const clock = fakeClock();
  const runtime = runtimeOn(clock);
  const agent = new BaseAgent('t-1', 'http://127.0.0.1', undefined, runtime);
  await agent.start();
  await clock.tick(9_000);
  await agent.reportError({ error: 'ouch' });
  await clock.tick(9_000);
  expect(runtime.kept?.current).toMatchObject({ healthy: false, starts: 1 });
  await clock.tick(1_000);
  expect(runtime.kept?.current).toMatchObject({ healthy: true, starts: 0 });
  await agent.stop();
});

test('the status says which configuration was well last, and says it as soon as another one is', async () => {
  const clock = fakeClock();
  const runtime = runtimeOn(clock);
  const agent = new BaseAgent('t-1', 'http://127.0.0.1', undefined, runtime);
  const said = () => agent.getStatus().config;
  expect(said()).toMatchObject({ healthy_hash: null, healthy_version: null });
  await agent.start();
  await clock.tick(10_000);
  const first = agent.config.hash;
  expect(said()).toMatchObject({ running_hash: first, healthy_hash: first });
  await agent.handleControlMessage({
    ...offer('h2', { processing: { timeout: 7 } }),
    command: 'update_config',
    timestamp: '2026-01-01T00:00:00Z',
  });
  expect(said()).toMatchObject({ running_hash: 'h2', healthy_hash: first });
  await clock.tick(10_000);
  expect(said()).toMatchObject({ running_hash: 'h2', healthy_hash: 'h2', healthy_version: 2 });
  await waitFor(() =>
    runtime.told.some(
      ({ kind, message }) =>
        kind === 'status' && JSON.stringify(message).includes('"healthy_hash":"h2"'),
    ),
  );
  await agent.stop();
});

test('what became of each configuration is told at once, however soon they follow each other', async () => {
  const h = testAgent(BaseAgent);
  await h.start();
  const before = h.told.length;
  await h.control(offer('h2', { processing: { timeout: 2 } }));
  await h.control(offer('bad', { processing: { timeout: 0 } }));
  await h.control(offer('h3', { processing: { timeout: 3 } }));
  const told = h.told.slice(before).filter(({ kind }) => kind === 'status');
  expect(told.map(({ message }) => message)).toMatchObject([
    { config: { running_hash: 'h2' } },
    { config: { running_hash: 'h2', attempted_hash: 'bad' } },
    { config: { running_hash: 'h3' } },
  ]);
});

test('what was never proven is not healthy because another one was taken back', async () => {
  const runtime = runtimeOn(fakeClock());
  let ledger = new ConfigLedger(runtime);
  await ledger.load();
  const first = { version: 1, hash: 'first', config: {} };
  await ledger.accept(first);
  await ledger.accept({ version: 2, hash: 'second', config: {} });
  await ledger.fail('second', [{ path: '', message: 'no' }]);
  await ledger.accept(first);
  expect(runtime.kept?.current).toMatchObject({ hash: 'first', healthy: false, starts: 1 });
  ledger = new ConfigLedger(runtime);
  await ledger.load();
  await ledger.accept({ version: 3, hash: 'third', config: {} });
  expect(ledger.healthy).toMatchObject({ hash: 'first', proven: false });
  await ledger.proven('third');
  await ledger.accept({ version: 4, hash: 'fourth', config: {} });
  await ledger.fail('fourth', [{ path: '', message: 'no' }]);
  expect(runtime.kept?.current).toMatchObject({ hash: 'third', healthy: true });
});

test('the server is asked by one at a time: an older answer never follows a newer one', async () => {
  const runtime = runtimeOn(fakeClock());
  const agent = new BaseAgent('t-1', 'http://127.0.0.1', undefined, runtime);
  await agent.start();
  const answers: ((version: number) => void)[] = [];
  runtime.fetchConfig = () =>
    new Promise((resolve) => {
      answers.push((version) =>
        resolve({ version, hash: `h${version}`, config: { processing: { timeout: version } } }),
      );
    });
  const told = () =>
    agent.handleControlMessage({ command: 'update_config', timestamp: '2026-01-01T00:00:00Z' });
  const both = [told(), told()];
  await waitFor(() => answers.length > 0);
  await setImmediate();
  expect(answers).toHaveLength(1);
  answers[0]?.(2);
  await waitFor(() => answers.length > 1);
  answers[1]?.(3);
  expect((await Promise.all(both)).map(({ ok }) => ok)).toEqual([true, true]);
  expect(agent.config.hash).toBe('h3');
  await agent.stop();
});

test('one that was taken back is not tried again after a restart', async () => {
  const runtime = runtimeOn(fakeClock());
  const tried: unknown[] = [];
  class Picky extends BaseAgent {
    protected override async configChanged(): Promise<void> {
      tried.push(this.config.get('mode'));
      if (this.config.get('mode') === 'impossible') throw new Error('no such thing');
    }
  }
  const told = (agent: BaseAgent) =>
    agent.handleControlMessage({
      ...offer('odd', { mode: 'impossible' }),
      command: 'update_config',
      timestamp: '2026-01-01T00:00:00Z',
    });
  const before = new Picky('t-1', 'http://127.0.0.1', undefined, runtime);
  await before.start();
  expect(await told(before)).toMatchObject({ ok: false });
  await before.stop();
  expect(tried).toContain('impossible');
  tried.length = 0;
  const after = new Picky('t-1', 'http://127.0.0.1', undefined, runtime);
  await after.start();
  const again = await told(after);
  expect(again).toMatchObject({ ok: false, error: expect.stringContaining('failed here before') });
  expect(tried).not.toContain('impossible');
  await after.stop();
});
