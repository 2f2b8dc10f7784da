/** Rate limits of several replicas, counted in Redis; one that does not answer is replaced by this process's own. */
import { Redis } from 'ioredis';
import type { Clock } from '../../kernel/clock.ts';
import { messageOf } from '../../kernel/errors.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { Rate, RateLimiter } from '../ports.ts';
import { memoryLimiter, spacing } from './memory.ts';

const ANSWER_WITHIN_MS = 50;
/** After a failure: a Redis that hangs costs one call in a while its 50 ms, not every call. */
const TRY_AGAIN_MS = 1_000;

/** The same as `memoryLimiter`, by the clock of Redis, in one step. ARGV: each, ahead. */
const TAKE = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local paid = tonumber(redis.call('GET', KEYS[1]) or 0)
local next = math.max(now, paid) + tonumber(ARGV[1])
local wait = next - now - tonumber(ARGV[2])
if wait > 0 then return math.ceil(wait) end
redis.call('SET', KEYS[1], string.format('%.3f', next), 'PX', math.ceil(next - now))
return 0`;

interface Commands {
  take(key: string, each: number, ahead: number): Promise<number>;
}

export function redisLimiter(options: { url: string; clock: Clock; logger: Logger }): RateLimiter {
  const { url, clock, logger } = options;
  const redis = new Redis(url, {
    enableOfflineQueue: false,
    commandTimeout: ANSWER_WITHIN_MS,
    maxRetriesPerRequest: 0,
    keyPrefix: 'opmas:rate:',
    retryStrategy: (attempt) => Math.min(attempt * 200, 5_000),
    scripts: { take: { lua: TAKE, numberOfKeys: 1 } },
  });
  const commands = redis as unknown as Commands;
  const own = memoryLimiter(clock);
  let awayUntil = 0;
  let away = false;
  redis.on('error', (error: Error) => note(error));

  function note(error: unknown): void {
    awayUntil = clock.monotonic() + TRY_AGAIN_MS;
    if (away) return;
    away = true;
    logger.warn({ err: messageOf(error) }, 'Redis away, rate limits are counted in this process');
  }

  async function shared(key: string, rate: Rate): Promise<number | undefined> {
    if (clock.monotonic() < awayUntil) return undefined;
    const { each, ahead } = spacing(rate);
    try {
      const wait = await commands.take(key, each, ahead);
      away = false;
      return wait;
    } catch (error) {
      note(error);
      return undefined;
    }
  }

  return {
    take: async (key, rate) => (await shared(key, rate)) ?? own.take(key, rate),
    close: async () => {
      redis.disconnect();
      await own.close();
    },
  };
}
