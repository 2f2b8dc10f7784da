/** Words on configurations between the broker and the database: what is let go, merged, bounded and given back. */
import { expect, test } from 'vitest';
import { REPORT_REFRESH_MS } from './delivery.ts';
import { INSTANCES, Reports } from './reports.ts';

const beat = (agentId: string, instanceId: string, hash?: string) => ({
  agent_id: agentId,
  status: 'healthy',
  timestamp: '2026-01-01T00:00:00.000Z',
  uptime: 1,
  instance_id: instanceId,
  ...(hash === undefined ? {} : { config_hash: hash }),
});

test('heartbeats of an instance that runs what it shall are let go, until they are due or say otherwise', () => {
  let now = 0;
  const reports = new Reports(() => now);
  reports.heartbeat(beat('a', 'i1', 'h'));
  expect(reports.take(10)).toHaveLength(1);
  reports.settled([{ agent_id: 'a', instance_id: 'i1', hash: 'h' }]);
  reports.heartbeat(beat('a', 'i1', 'h'));
  expect(reports.take(10)).toEqual([]);
  reports.heartbeat(beat('a', 'i1', 'other'));
  expect(reports.take(10)).toMatchObject([{ running_hash: 'other', beat: true }]);
  now = REPORT_REFRESH_MS;
  reports.heartbeat(beat('a', 'i1', 'h'));
  expect(reports.take(10)).toHaveLength(1);
  reports.settled([{ agent_id: 'a', instance_id: 'i1', hash: 'h' }]);
  reports.unsettle(['a']);
  reports.heartbeat(beat('a', 'i1', 'h'));
  expect(reports.take(10)).toHaveLength(1);
});

test('what one word does not say, the one before it still says', () => {
  const reports = new Reports(() => 0);
  const from = { agent_id: 'a', instance_id: 'i1', hash: 'new' };
  const errors = [{ path: 'x', message: 'y' }];
  reports.answer(from, { ok: false, error: 'y', outcome: { running_hash: 'old', errors } });
  reports.heartbeat(beat('a', 'i1', 'old'));
  expect(reports.take(10)).toMatchObject([
    { running_hash: 'old', attempted_hash: 'new', errors, beat: true },
  ]);
});

test('what an instance would go back to is kept as it said it last; who does not say changes nothing', () => {
  const reports = new Reports(() => 0);
  const status = (config: object) =>
    reports.status({ agent_id: 'a', instance_id: 'i1', status: 'healthy', config });
  status({ running_hash: 'new', healthy_hash: 'old', healthy_version: 3 });
  status({ running_hash: 'new' });
  expect(reports.take(1)).toMatchObject([{ healthy: { hash: 'old', version: 3 } }]);
  status({ running_hash: 'new', healthy_hash: 'new' });
  expect(reports.take(1)).toMatchObject([{ healthy: { hash: 'new', version: null } }]);
  status({ running_hash: 'new', healthy_hash: null, healthy_version: null });
  expect(reports.take(1)).toMatchObject([{ healthy: null }]);
  status({ running_hash: 'new' });
  expect(reports.take(1)[0]).not.toHaveProperty('healthy');
});

test('an answer that is no verdict names no attempt', () => {
  const reports = new Reports(() => 0);
  const from = { agent_id: 'a', instance_id: 'i1', hash: 'new' };
  reports.answer(from, { ok: false, error: 'busy', outcome: { transient: true } });
  expect(reports.take(1)).toMatchObject([{ attempted_hash: null, errors: [{ message: 'busy' }] }]);
});

test('who invents instances spoils nobody else’s words', () => {
  const reports = new Reports(() => 0);
  for (let n = 0; n < 1_000; n += 1) reports.heartbeat(beat('liar', `i${n}`, 'h'));
  reports.heartbeat(beat('a', 'i1', 'h'));
  const words = reports.take(5_000);
  expect(words).toHaveLength(INSTANCES + 1);
  expect(words.at(-1)?.agent_id).toBe('a');
});

test('words that could not be written come again, under what was said since', () => {
  const reports = new Reports(() => 0);
  reports.heartbeat(beat('a', 'i1', 'h1'));
  reports.heartbeat(beat('b', 'i1', 'h1'));
  const [first, ...rest] = reports.take(10);
  expect(rest).toHaveLength(1);
  reports.heartbeat(beat('a', 'i1', 'h2'));
  reports.giveBack([first, ...rest].filter((word) => word !== undefined));
  expect(reports.take(10).map(({ agent_id, running_hash }) => [agent_id, running_hash])).toEqual([
    ['a', 'h2'],
    ['b', 'h1'],
  ]);
});

test('a report is news until its instance runs what it shall, and again when it says otherwise', () => {
  const reports = new Reports(() => 0);
  let news = 0;
  reports.onNews(() => {
    news += 1;
  });
  const says = (hash: string) => {
    const before = news;
    reports.status({
      agent_id: 'a',
      instance_id: 'i1',
      status: 'healthy',
      config: { running_hash: hash, attempted_hash: hash, error: null },
    });
    return news > before;
  };
  expect(says('h')).toBe(true);
  reports.settled([{ agent_id: 'a', instance_id: 'i1', hash: 'h' }]);
  expect(says('h')).toBe(false);
  expect(says('other')).toBe(true);
  reports.unsettle(['a']);
  expect(says('h')).toBe(true);
  reports.status({ agent_id: 'a', instance_id: 'i1', status: 'healthy' });
  reports.heartbeat(beat('a', 'i1', 'h'));
  expect(news).toBe(3);
});
