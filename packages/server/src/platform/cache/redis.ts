/** Redis as the cache of several replicas: a dead or hung one is a miss within 50 ms. */
import { Redis } from 'ioredis';
import { messageOf } from '../../kernel/errors.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { Cache } from '../ports.ts';

const ANSWER_WITHIN_MS = 50;

export function redisCache(url: string, logger: Logger): Cache {
  const redis = new Redis(url, {
    enableOfflineQueue: false,
    commandTimeout: ANSWER_WITHIN_MS,
    maxRetriesPerRequest: 0,
    keyPrefix: 'opmas:',
    retryStrategy: (attempt) => Math.min(attempt * 200, 5_000),
  });
  let last = '';
  redis.on('error', (error: Error) => {
    const message = messageOf(error);
    if (message !== last) logger.warn({ err: message }, 'cache away, every look-up is a miss');
    last = message;
  });
  redis.on('ready', () => {
    last = '';
  });
  /** A cache that cannot answer has nothing: that is its contract, and the error is logged above. */
  const orMiss = async <T>(work: Promise<T>, miss: T): Promise<T> => {
    try {
      return await work;
    } catch (error) {
      logger.debug({ err: messageOf(error) }, 'cache miss by error');
      return miss;
    }
  };
  return {
    get: async (key) => (await orMiss(redis.get(key), null)) ?? undefined,
    set: async (key, value, ttlMs) => {
      await orMiss(redis.set(key, value, 'PX', Math.max(1, Math.ceil(ttlMs))), null);
    },
    delete: async (key) => {
      await orMiss(redis.del(key), 0);
    },
    close: async () => redis.disconnect(),
  };
}
