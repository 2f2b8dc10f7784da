import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isolate } from './isolate.ts';

class Own extends Error {}
const isOwn = (error: unknown) => error instanceof Own;

test('exactly the culprits are named, and all others are written once', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.boolean(), { maxLength: 40 }), async (good) => {
      const items = good.map((ok, id) => ({ id, ok }));
      const written: number[] = [];
      const left = await isolate(
        items,
        async (part) => {
          if (part.some(({ ok }) => !ok)) throw new Own('bad');
          written.push(...part.map(({ id }) => id));
        },
        isOwn,
      );
      expect(left.map(({ item }) => item.id)).toEqual(items.filter((i) => !i.ok).map((i) => i.id));
      expect(written).toEqual(items.filter((i) => i.ok).map((i) => i.id));
    }),
  );
});

test('a failure that is nobody’s own fault is thrown on', async () => {
  const away = async () => {
    throw new Error('away');
  };
  await expect(isolate([1, 2], away, isOwn)).rejects.toThrow('away');
});
