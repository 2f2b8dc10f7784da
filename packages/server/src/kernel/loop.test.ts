import { waitFor } from '@opmas/testkit';
import { expect, test } from 'vitest';
import { silentLogger } from './logger.ts';
import { startLoop } from './loop.ts';

const NEVER_MS = 3_600_000;

test('runs at once, and once more for any number of pokes during a run', async () => {
  let runs = 0;
  let release: () => void = () => undefined;
  const loop = startLoop({
    name: 'test',
    intervalMs: NEVER_MS,
    logger: silentLogger,
    task: async () => {
      runs += 1;
      if (runs === 1) await new Promise<void>((resolve) => (release = resolve));
    },
  });
  await waitFor(() => runs === 1);
  for (let n = 0; n < 5; n += 1) loop.poke();
  release();
  await waitFor(() => runs === 2);
  await loop.stop();
  expect(runs).toBe(2);
});

test('a failing run does not end it; a message is logged once, then the recovery', async () => {
  const said: string[] = [];
  let runs = 0;
  const loop = startLoop({
    name: 'test',
    intervalMs: 1,
    logger: {
      ...silentLogger,
      warn: (_, message) => void said.push(message),
      info: (_, message) => void said.push(message),
    },
    task: async () => {
      runs += 1;
      if (runs < 4) throw new Error('away');
    },
  });
  await waitFor(() => said.includes('recovered'));
  await loop.stop();
  expect(said).toEqual(['failed, will try again', 'recovered']);
});

test('stopping waits for the run in progress and starts no other', async () => {
  let runs = 0;
  let ended = false;
  let release: () => void = () => undefined;
  const loop = startLoop({
    name: 'test',
    intervalMs: 1,
    logger: silentLogger,
    task: async () => {
      runs += 1;
      await new Promise<void>((resolve) => (release = resolve));
      ended = true;
    },
  });
  await waitFor(() => runs === 1);
  const stopped = loop.stop();
  release();
  await stopped;
  expect([runs, ended]).toEqual([1, true]);
});
