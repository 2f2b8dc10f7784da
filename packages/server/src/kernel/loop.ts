/** A background task that runs again and again, one run at a time, until it is stopped. */

import { messageOf } from './errors.ts';
import type { Logger } from './logger.ts';

export interface Loop {
  /** Runs soon; several pokes before a run are one. */
  poke(): void;
  /** Ends after the run in progress. */
  stop(): Promise<void>;
}

/**
 * Runs `task` every `intervalMs` and when poked. A failing run is logged (once a change of message) and
 * tried again at the next interval: a loop never ends by an error.
 */
export function startLoop(options: {
  name: string;
  intervalMs: number;
  logger: Logger;
  task: () => Promise<void>;
}): Loop {
  const { name, intervalMs, logger, task } = options;
  let stopped = false;
  let poked = false;
  let wake: (() => void) | undefined;
  let lastError: string | undefined;

  const run = async () => {
    while (!stopped) {
      poked = false;
      try {
        await task();
        if (lastError !== undefined) logger.info({ loop: name }, 'recovered');
        lastError = undefined;
      } catch (error) {
        const message = messageOf(error);
        if (message !== lastError)
          logger.warn({ loop: name, err: message }, 'failed, will try again');
        lastError = message;
        poked = false;
      }
      if (stopped || poked) continue;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, intervalMs);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      wake = undefined;
    }
  };
  const done = run();
  return {
    poke: () => {
      poked = true;
      wake?.();
    },
    stop: async () => {
      stopped = true;
      wake?.();
      await done;
    },
  };
}
