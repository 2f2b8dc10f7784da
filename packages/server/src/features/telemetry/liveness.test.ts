import { expect, test } from 'vitest';
import { Liveness } from './liveness.ts';

const START = Date.UTC(2026, 0, 1);

function bench() {
  let elapsed = 0;
  const liveness = new Liveness({ now: () => START + elapsed, monotonic: () => elapsed });
  return {
    liveness,
    wait: (seconds: number) => {
      elapsed += seconds * 1_000;
    },
    beat: (agent_id = 'a', more: object = {}) =>
      liveness.heard({
        agent_id,
        status: 'healthy',
        timestamp: new Date(START).toISOString(),
        uptime: 1,
        ...more,
      }),
    changes: () => liveness.sweep().map(({ agentId, presence }) => `${agentId} ${presence}`),
  };
}

test('a silent agent is late after one and a half intervals and offline after three', () => {
  const { wait, beat, changes } = bench();
  beat();
  wait(45);
  expect(changes()).toEqual([]);
  wait(1);
  expect(changes()).toEqual(['a late']);
  expect(changes()).toEqual([]);
  wait(44);
  expect(changes()).toEqual([]);
  wait(1);
  expect(changes()).toEqual(['a offline']);
});

test('the interval it announced counts, not the default', () => {
  const { wait, beat, changes } = bench();
  beat('quick', { interval: 2 });
  beat('slow', { interval: 600 });
  wait(7);
  expect(changes()).toEqual(['quick offline']);
  wait(894);
  expect(changes()).toEqual(['slow late']);
});

test('a voice after silence is a change, one among others is none', () => {
  const { beat } = bench();
  expect(beat()).toEqual({ agentId: 'a', presence: 'on_time', silentMs: 0 });
  expect(beat()).toBeUndefined();
});

test('a late agent that speaks is on time again, told once', () => {
  const { wait, beat, changes } = bench();
  beat();
  wait(60);
  expect(changes()).toEqual(['a late']);
  expect(beat()?.presence).toBe('on_time');
  expect(beat()).toBeUndefined();
  expect(changes()).toEqual([]);
});

test('after a start, the first voice is a change: what was said before the start is taken back', () => {
  const { liveness, wait, beat, changes } = bench();
  liveness.expect('a');
  liveness.expect('b');
  expect(beat('a')?.presence).toBe('on_time');
  wait(91);
  expect(changes().sort()).toEqual(['a offline', 'b offline']);
  expect(liveness.last('b')).toBeUndefined();
});

test('rows are drained once, bounded, and given back when they could not be written', () => {
  const { liveness, beat } = bench();
  for (const id of ['a', 'b', 'c']) beat(id);
  const first = liveness.drain(2);
  expect(first.map((row) => row.agent_id)).toEqual(['a', 'b']);
  expect(first[0]?.last_heartbeat).toEqual(new Date(START));
  liveness.restore(first);
  expect(
    liveness
      .drain(10)
      .map((row) => row.agent_id)
      .sort(),
  ).toEqual(['a', 'b', 'c']);
  expect(liveness.drain(10)).toEqual([]);
});

test('what is forgotten is neither swept nor written', () => {
  const { liveness, wait, beat, changes } = bench();
  beat();
  liveness.forget('a');
  wait(1_000);
  expect(changes()).toEqual([]);
  expect(liveness.drain(10)).toEqual([]);
});
