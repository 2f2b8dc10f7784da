import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FeedLog } from './feed-log.ts';

const entry = (sequence: number) => ({
  sequence,
  topic: 'findings',
  message: { type: 'finding' as const, cursor: String(sequence), data: null },
});
const sequences = (entries: readonly { sequence: number }[] | undefined) =>
  entries?.map((each) => each.sequence);

function logWith(...given: number[]): FeedLog {
  const log = new FeedLog(4);
  log.start('e1', 0);
  for (const sequence of given) log.add(entry(sequence));
  return log;
}

describe('the feed log', () => {
  test('gives what came after a cursor, also across sequences no client hears', () => {
    const log = logWith(3, 5, 9);
    expect(sequences(log.since('e1.0'))).toEqual([3, 5, 9]);
    expect(sequences(log.since('e1.4'))).toEqual([5, 9]);
    expect(log.since('e1.9')).toEqual([]);
    expect(log.cursor()).toBe('e1.9');
  });

  test.each(['e2.3', 'e1.10', 'e1', '', 'e1.-1', 'e1.x', 'E1.3', '3', `e1.${'9'.repeat(99)}`])(
    'knows nothing of the cursor %s',
    (cursor) => expect(logWith(3, 5, 9).since(cursor)).toBeUndefined(),
  );

  test('takes a sequence once', () => {
    const log = logWith(3);
    expect(log.add(entry(3))).toBe(false);
    expect(log.add(entry(4))).toBe(true);
    expect(sequences(log.since('e1.0'))).toEqual([3, 4]);
  });

  test('a new epoch makes every older cursor worthless', () => {
    const log = logWith(3);
    log.start('e2', 7);
    expect(log.since('e1.3')).toBeUndefined();
    expect(log.since('e2.6')).toBeUndefined();
    expect(log.since('e2.7')).toEqual([]);
  });

  test('never leaves out an entry: it gives all that came after, or says that it cannot', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 60 }),
        fc.nat(80),
        (steps, from) => {
          const log = new FeedLog(5);
          log.start('e', 0);
          const all: number[] = [];
          for (const step of steps) {
            const next = (all.at(-1) ?? 0) + step;
            all.push(next);
            log.add(entry(next));
          }
          const given = sequences(log.since(`e.${from}`));
          const wanted = all.filter((sequence) => sequence > from);
          if (given === undefined)
            expect(wanted.length >= 5 || from > (all.at(-1) ?? 0)).toBe(true);
          else expect(given).toEqual(wanted);
        },
      ),
    );
  });
});
