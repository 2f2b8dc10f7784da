/** Pins when silence is held against an agent. */
import { describe, expect, it } from 'vitest';
import { vigil } from './vigil.ts';

describe('vigil', () => {
  it('judges by the interval the agent declares', () => {
    const watch = vigil(0);
    watch.heard(1000, 2);
    expect(watch.overdue(8_000, 0)).toBe(false);
    expect(watch.overdue(8_001, 0)).toBe(true);
    watch.heard(9_000, 300);
    expect(watch.overdue(900_000, 0)).toBe(false);
  });

  it('takes 30 s for an agent that declares nothing, more when it has shown more', () => {
    const watch = vigil(0);
    watch.heard(1_000, undefined);
    expect(watch.overdue(92_000, 0)).toBe(false);
    expect(watch.overdue(92_001, 0)).toBe(true);
    watch.heard(81_000, undefined);
    expect(watch.overdue(81_000 + 241_000, 0)).toBe(false);
  });

  it('does not count the time in which the host heard nothing itself', () => {
    const watch = vigil(0);
    watch.heard(1_000, 2);
    expect(watch.overdue(60_000, 55_000)).toBe(false);
    expect(watch.overdue(62_001, 55_000)).toBe(true);
  });
});
