/** Pins the restart policy. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  afterFailure,
  freshLadder,
  heapMegabytes,
  type Ladder,
  longestDelayMs,
  silenceLimitMs,
  unansweredDelayMs,
} from './policy.ts';

const full = () => 0.999_999;

/** Failures with the given pauses between them, none ever healthy. */
function loop(pausesMs: readonly number[], random = full) {
  let at = 1_000_000;
  let ladder = freshLadder();
  return pausesMs.map((pause) => {
    at += pause;
    const verdict = afterFailure(ladder, { at, readyMs: 0 }, random);
    ladder = verdict.ladder;
    return verdict;
  });
}

describe('restart policy', () => {
  it('restarts at once the first time, then doubles from 250 ms', () => {
    expect(loop([0, 0, 0, 0]).map((verdict) => verdict.delayMs)).toEqual([0, 249, 499, 999]);
  });

  it('calls five failures within a minute a crash loop and goes on at the cap', () => {
    const verdicts = loop([0, 1000, 1000, 1000, 1000, 60_000]);
    expect(verdicts.map((verdict) => verdict.state)).toEqual([
      'backoff',
      'backoff',
      'backoff',
      'backoff',
      'failed',
      'failed',
    ]);
    expect(verdicts.slice(4).map((verdict) => verdict.delayMs)).toEqual([60_000, 60_000]);
  });

  it('does not call five failures over more than a minute a crash loop', () => {
    expect(loop(Array.from({ length: 20 }, () => 15_001)).every((v) => v.state === 'backoff')).toBe(
      true,
    );
  });

  it('leaves a crash loop only after a minute of health', () => {
    const ladder = loop([0, 0, 0, 0, 0]).at(-1)?.ladder ?? freshLadder();
    const at = 9_000_000;
    expect(afterFailure(ladder, { at, readyMs: 59_999 }, full).state).toBe('failed');
    const healthy = afterFailure(ladder, { at, readyMs: 60_000 }, full);
    expect(healthy).toMatchObject({ state: 'backoff', delayMs: 0, ladder: { attempts: 1 } });
  });

  it('keeps every delay within its bound and the ladder bounded, whatever the history', () => {
    const step = fc.record({
      pause: fc.integer({ min: -100_000, max: 200_000 }),
      readyMs: fc.integer({ min: 0, max: 120_000 }),
      random: fc.double({ min: 0, max: 0.999_999, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let at = 10_000_000;
        let ladder: Ladder = freshLadder();
        for (const { pause, readyMs, random } of steps) {
          at += pause;
          const verdict = afterFailure(ladder, { at, readyMs }, () => random);
          ladder = verdict.ladder;
          const most = verdict.state === 'failed' ? 60_000 : longestDelayMs(ladder.attempts);
          if (verdict.delayMs < 0 || verdict.delayMs > most) return false;
          if (ladder.failures_at.length > 5 || ladder.failures_at.at(-1) !== at) return false;
        }
        return true;
      }),
    );
  });

  it('never lets the delay beyond a minute', () => {
    expect([1, 2, 3, 10, 11, 1000].map(longestDelayMs)).toEqual([
      0, 250, 500, 60_000, 60_000, 60_000,
    ]);
  });

  it('asks an unanswering server again within 5 s, never in a hot loop', () => {
    for (const times of [1, 2, 5, 100]) {
      expect(unansweredDelayMs(times, () => 0)).toBeGreaterThanOrEqual(125);
      expect(unansweredDelayMs(times, full)).toBeLessThanOrEqual(5_000);
    }
  });

  it('takes three missed heartbeats and a second as silence', () => {
    expect(silenceLimitMs(30)).toBe(91_000);
  });

  it('gives the heap three quarters of the memory limit', () => {
    expect(heapMegabytes(1024 ** 3)).toBe(768);
    expect(heapMegabytes(1)).toBe(16);
    expect(heapMegabytes(0)).toBeUndefined();
    expect(heapMegabytes(undefined)).toBeUndefined();
  });
});
