/** Pins the bound on starts in flight. */
import { describe, expect, it } from 'vitest';
import { startGate } from './start-gate.ts';

const never = new AbortController().signal;

describe('start gate', () => {
  it('lets so many in, and the next in order as places are given back', async () => {
    const gate = startGate(2);
    const entered: number[] = [];
    const leave: ((() => void) | undefined)[] = [];
    const entering = [0, 1, 2, 3].map(async (n) => {
      leave[n] = await gate.enter(never);
      entered.push(n);
    });
    await Promise.all(entering.slice(0, 2));
    expect(entered).toEqual([0, 1]);
    expect(gate.full()).toBe(true);
    leave[0]?.();
    leave[0]?.();
    await entering[2];
    expect(entered).toEqual([0, 1, 2]);
    leave[1]?.();
    await entering[3];
    leave[2]?.();
    leave[3]?.();
    expect(gate.full()).toBe(false);
  });

  it('forgets one that does not want to wait any more', async () => {
    const gate = startGate(1);
    const leave = await gate.enter(never);
    const tired = new AbortController();
    const waiting = gate.enter(tired.signal);
    tired.abort();
    expect(await waiting).toBeUndefined();
    leave?.();
    expect(gate.full()).toBe(false);
    expect(await gate.enter(tired.signal)).toBeUndefined();
  });
});
