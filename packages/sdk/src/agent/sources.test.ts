/** Who was heard, and in what rhythm, from the bytes of messages. */
import { expect, test } from 'vitest';
import { limits } from '../limits.ts';
import { fakeClock } from '../testing/fake-clock.ts';
import { Sources } from './sources.ts';

const line = (host: string | undefined, message = 'x') =>
  JSON.stringify({ event_id: 'e', timestamp: 't', type: 'auth', message, host });
const payload = (...hosts: (string | undefined)[]) =>
  Buffer.from(hosts.map((host) => line(host)).join('\n'));

function heardOf(sources: Sources) {
  return sources.report().map(({ topic, host }) => `${topic} ${host ?? 'all'}`);
}

test('a topic and every host of a short message are told once, and again when heard again', async () => {
  const clock = fakeClock();
  const sources = new Sources(clock);
  sources.heard('logs.auth', payload('ap-1', 'ap-2', 'ap-1', undefined));
  sources.heard('logs.wifi', Buffer.from('[{"host": "münchen-3"}]'));
  expect(heardOf(sources)).toEqual([
    'logs.auth all',
    'logs.auth ap-1',
    'logs.auth ap-2',
    'logs.wifi all',
    'logs.wifi münchen-3',
  ]);
  expect(sources.report()).toEqual([]);
  await clock.tick(2_000);
  sources.heard('logs.auth', payload('ap-2'));
  expect(heardOf(sources)).toEqual(['logs.auth all', 'logs.auth ap-2']);
});

test('what stands in a message, or is no name, is no host', () => {
  const sources = new Sources(fakeClock());
  const texts = ['"host":"spoofed"', 'x","host":"spoofed', '\\"host\\":\\"spoofed\\"'];
  const lines = texts.map((text) => line(undefined, text));
  lines.push(
    '{"host":7}',
    '{"host":""}',
    '{"host":"a\\u0041"}',
    '{"host":"a\u0000b"}',
    '{"host":"cut',
  );
  lines.push(`{"host":"${'h'.repeat(400)}"}`);
  for (const each of lines) sources.heard('logs.auth', Buffer.from(each));
  expect(heardOf(sources)).toEqual(['logs.auth all']);
});

test('so many hosts are looked at in a second, and when there are more it is said', async () => {
  const clock = fakeClock();
  const sources = new Sources(clock);
  const busy = payload(...Array.from({ length: 1_000 }, (_, n) => `ap-${n % 10}`));
  for (let n = 0; n < limits.hostsPerSecond / 1_000; n++) sources.heard('logs.auth', busy);
  expect(sources.partialAt).toBeUndefined();
  sources.heard('logs.auth', payload('late'));
  expect(sources.partialAt).toBe(new Date(clock.now()).toISOString());
  expect(heardOf(sources)).not.toContain('logs.auth late');
  await clock.tick(1_000);
  const before = sources.partialAt;
  sources.heard('logs.auth', payload('late'));
  expect(heardOf(sources)).toContain('logs.auth late');
  expect(sources.partialAt).toBe(before);
});

test('the longest gap is learned step by step, forgotten in days, and an outage is none', async () => {
  const clock = fakeClock();
  const sources = new Sources(clock);
  const beat = async (afterMs: number) => {
    await clock.tick(afterMs);
    sources.heard('logs.auth', payload('ap-1'));
    return sources.report().find(({ host }) => host === 'ap-1');
  };
  await beat(0);
  expect(await beat(60_000)).toMatchObject({ beats: 2, longest_gap: 60 });
  expect(await beat(1)).toBeUndefined();
  expect((await beat(30_000))?.longest_gap).toBeCloseTo(60, 0);
  // A week away: twice what was usual at most, or five minutes.
  expect(await beat(7 * 86_400_000)).toMatchObject({ longest_gap: 300 });
  expect(await beat(86_400_000)).toMatchObject({ longest_gap: 600 });
  for (let n = 0; n < 100; n++) await beat(3_600_000);
  expect((await beat(3_600_000))?.longest_gap).toBe(3_600);
});

test('more sources than fit make the longest unheard give way, and what is lost thereby is said', async () => {
  const clock = fakeClock();
  const sources = new Sources(clock);
  for (let n = 1; n < limits.sources; n++) sources.heard('logs.auth', payload(`ap-${n}`));
  expect(sources.report()).toHaveLength(limits.sources);
  await clock.tick(2_000);
  sources.heard('logs.auth', payload('one-more'));
  // Who gave way was told: nothing is lost but his rhythm.
  expect(sources.partialAt).toBeUndefined();
  for (let n = 0; n < limits.sources; n++) sources.heard('logs.auth', payload(`spray-${n}`));
  expect(sources.report()).toHaveLength(limits.sources);
  expect(sources.partialAt).toBe(new Date(clock.now()).toISOString());
});
