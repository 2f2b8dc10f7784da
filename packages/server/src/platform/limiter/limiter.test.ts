import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createServer, type Server, type Socket } from 'node:net';
import { freePort, waitFor } from '@opmas/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock } from '../../kernel/clock.ts';
import { limits } from '../../kernel/limits.ts';
import { silentLogger } from '../../kernel/logger.ts';
import type { RateLimiter } from '../ports.ts';
import { memoryLimiter } from './memory.ts';
import { redisLimiter } from './redis.ts';

/** A clock that a test moves. */
function handClock() {
  let time = 1_000_000;
  return {
    now: () => time,
    monotonic: () => time,
    advance: (ms: number) => {
      time += ms;
    },
  };
}

const RATE = { perMinute: 60, burst: 5 };

async function taken(limiter: RateLimiter, key: string, tries: number): Promise<number> {
  let count = 0;
  for (let n = 0; n < tries; n += 1) if ((await limiter.take(key, RATE)) === 0) count += 1;
  return count;
}

describe('X18 limits counted in this process', () => {
  test('give a burst, then one as often as the rate says', async () => {
    const clock = handClock();
    const limiter = memoryLimiter(clock);
    expect(await taken(limiter, 'a', 50)).toBe(5);
    expect(await limiter.take('a', RATE)).toBeCloseTo(1_000);
    clock.advance(1_000);
    expect(await taken(limiter, 'a', 50)).toBe(1);
    clock.advance(3_600_000);
    expect(await taken(limiter, 'a', 50)).toBe(5);
  });

  test('a refused call uses nothing up, and one key nothing of another', async () => {
    const clock = handClock();
    const limiter = memoryLimiter(clock);
    await taken(limiter, 'flood', 10_000);
    expect(await taken(limiter, 'other', 5)).toBe(5);
    clock.advance(1_000);
    expect(await limiter.take('flood', RATE)).toBe(0);
  });

  test('a flood of new names costs no more than a fixed memory', async () => {
    const limiter = memoryLimiter(handClock());
    await taken(limiter, 'first', 5);
    for (let n = 0; n < limits.rateKeys - 1; n += 1) await limiter.take(`name ${n}`, RATE);
    expect(await limiter.take('first', RATE)).toBeGreaterThan(0);
    await limiter.take('one more', RATE);
    expect(await limiter.take('first', RATE)).toBe(0);
  });
});

const hasRedis = spawnSync('redis-server', ['--version']).status === 0;

describe.runIf(hasRedis)('X18 limits counted in Redis', () => {
  let redis: ChildProcess;
  let url: string;
  beforeAll(async () => {
    const port = await freePort();
    url = `redis://127.0.0.1:${port}`;
    redis = spawn('redis-server', ['--port', String(port), '--save', '', '--bind', '127.0.0.1']);
  });
  afterAll(() => void redis.kill());

  const open = () => redisLimiter({ url, clock: systemClock, logger: silentLogger });

  test('two replicas share what one caller may take', async () => {
    const one = open();
    const two = open();
    // Until both are connected each counts for itself.
    const key = await waitFor(async () => {
      const name = `caller ${Math.random()}`;
      const first = await taken(one, name, 5);
      return first === 5 && (await two.take(name, RATE)) > 0 ? name : undefined;
    });
    const wait = await one.take(key, RATE);
    expect(wait).toBeGreaterThan(0);
    expect(wait).toBeLessThanOrEqual(1_000);
    await Promise.all([one.close(), two.close()]);
  });
});

describe('X18 a Redis that is of no use', () => {
  const sockets = new Set<Socket>();
  let hung: Server;
  let hungPort: number;
  beforeAll(async () => {
    hungPort = await freePort();
    hung = createServer((socket) => void sockets.add(socket.on('error', () => undefined)));
    await new Promise<void>((resolve) => hung.listen(hungPort, '127.0.0.1', resolve));
  });
  afterAll(() => {
    for (const socket of sockets) socket.destroy();
    hung.close();
  });

  test.each([
    ['dead', async () => freePort()],
    ['hung', async () => hungPort],
  ])('%s: limits hold in this process, and no call waits longer than 50 ms', async (_, port) => {
    const limiter = redisLimiter({
      url: `redis://127.0.0.1:${await port()}`,
      clock: systemClock,
      logger: silentLogger,
    });
    let slowest = 0;
    let count = 0;
    for (let n = 0; n < 40; n += 1) {
      const started = performance.now();
      if ((await limiter.take('a', RATE)) === 0) count += 1;
      slowest = Math.max(slowest, performance.now() - started);
    }
    expect(count).toBe(5);
    expect(slowest).toBeLessThan(150);
    await limiter.close();
  });
});
