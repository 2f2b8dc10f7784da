import { expect, test } from 'vitest';
import { eachOf } from './each.ts';

test('each has its turn in order, and the first failure is told at the end', async () => {
  const done: string[] = [];
  const works = [
    () => done.push('a'),
    async () => Promise.reject(new Error('b failed')),
    () => {
      throw new Error('c failed');
    },
    async () => done.push('d'),
  ];
  await expect(eachOf(works)).rejects.toThrow('b failed');
  expect(done).toEqual(['a', 'd']);
});
