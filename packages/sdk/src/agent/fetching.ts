/** Asks the server for the configuration until it answers; a refusal ends the asking. */
import { pause } from '../clock.ts';
import { AgentError, messageOf } from '../errors.ts';
import { limits } from '../limits.ts';
import type { Logger } from '../logger.ts';
import type { AgentRuntime, FetchedConfig } from '../runtime/runtime.ts';

/** @throws what `fetchConfig` throws, unless the server was only away */
export async function fetchPatiently(
  runtime: AgentRuntime,
  logger: Logger,
  signal: AbortSignal,
): Promise<FetchedConfig> {
  for (let wait: number = limits.retryFirstMs; ; wait = Math.min(wait * 2, limits.retryCapMs)) {
    try {
      return await runtime.fetchConfig(signal);
    } catch (error) {
      const away = error instanceof AgentError && error.code === 'OPMAS_API_UNREACHABLE';
      if (signal.aborted || !away) throw error;
      logger.warning('the configuration cannot be fetched yet', { error: messageOf(error) });
      await pause(runtime.clock, wait, signal);
    }
  }
}
