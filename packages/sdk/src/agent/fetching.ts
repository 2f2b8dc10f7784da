/** Asks the server for the configuration until it answers; a refusal ends the asking. */
import { pause } from '../clock.ts';
import { AgentError, messageOf } from '../errors.ts';
import { limits } from '../limits.ts';
import type { Logger } from '../logger.ts';
import type { AgentRuntime } from '../runtime/runtime.ts';

/**
 * @param ask once more each time while the server is away
 * @throws what `ask` throws, unless the server was only away
 */
export async function askPatiently<T>(
  ask: () => Promise<T>,
  { clock }: Pick<AgentRuntime, 'clock'>,
  logger: Logger,
  signal: AbortSignal,
): Promise<T> {
  for (let wait: number = limits.retryFirstMs; ; wait = Math.min(wait * 2, limits.retryCapMs)) {
    try {
      return await ask();
    } catch (error) {
      const away = error instanceof AgentError && error.code === 'OPMAS_API_UNREACHABLE';
      if (signal.aborted || !away) throw error;
      logger.warning('the configuration cannot be fetched yet', { error: messageOf(error) });
      await pause(clock, wait, signal);
    }
  }
}
