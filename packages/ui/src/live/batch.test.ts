// Many messages, one change; and none is lost or applied twice.
import { expect, test, vi } from 'vitest';
import { createBatch, pacedFrames } from './batch.ts';
import { createJournal } from './journal.ts';

function bench(max: number) {
  const applied: number[][] = [];
  let due: (() => void) | undefined;
  let scheduled = 0;
  const batch = createBatch<number>({
    max,
    apply: (items) => applied.push([...items]),
    schedule: (flush) => {
      scheduled += 1;
      due = flush;
      return () => {
        due = undefined;
      };
    },
  });
  return { batch, applied, frame: () => due?.(), scheduled: () => scheduled };
}

test('what arrives before the frame is applied in one go, in order', () => {
  const { batch, applied, frame, scheduled } = bench(100);
  batch.add(1);
  batch.add(2);
  batch.add(3);
  expect(applied).toEqual([]);
  frame();
  expect(applied).toEqual([[1, 2, 3]]);
  expect(scheduled()).toBe(1);
  batch.add(4);
  frame();
  expect(applied).toEqual([[1, 2, 3], [4]]);
});

test('a full buffer does not wait for the frame, which then has nothing to do', () => {
  const { batch, applied, frame } = bench(2);
  batch.add(1);
  batch.add(2);
  frame();
  expect(applied).toEqual([[1, 2]]);
});

test('what was cleared is never applied', () => {
  const { batch, applied, frame } = bench(10);
  batch.add(1);
  batch.clear();
  frame();
  expect(applied).toEqual([]);
});

test('the journal hands out what came after a mark, at least its last entries', () => {
  const journal = createJournal<number>(3);
  journal.add(1);
  const mark = journal.mark();
  expect(journal.since(mark)).toEqual([]);
  journal.add(2);
  journal.add(3);
  expect(journal.since(mark)).toEqual([2, 3]);
  for (let n = 4; n <= 100; n += 1) journal.add(n);
  expect(journal.since(mark).slice(-3)).toEqual([98, 99, 100]);
  expect(journal.since(mark).length).toBeLessThanOrEqual(6);
});

test('the first change comes with the next frame, those of a flood keep their distance', () => {
  vi.useFakeTimers();
  let frames = 0;
  const schedule = pacedFrames(
    100,
    () => Date.now(),
    (run) => {
      frames += 1;
      run();
      return () => {};
    },
  );
  const flushed: number[] = [];
  const start = Date.now();
  const flush = () => flushed.push(Date.now() - start);
  schedule(flush);
  expect(flushed).toEqual([0]);
  schedule(flush);
  vi.advanceTimersByTime(99);
  expect(frames).toBe(1);
  vi.advanceTimersByTime(1);
  expect(flushed).toEqual([0, 100]);
  const cancel = schedule(flush);
  cancel();
  vi.advanceTimersByTime(1_000);
  expect(flushed).toEqual([0, 100]);
  vi.useRealTimers();
});
