/** Are rules fit to be published: do they compile, and do their examples come out? Never on the server's own thread. */
import type { Fault } from '@opmas/protocol';
import type { ExampleFailure, RuleFault } from '@opmas/rules';
import { boundedWorker } from '../../kernel/bounded-worker.ts';
import { OpmasError } from '../../kernel/errors.ts';
import { rulesLimits } from './limits.ts';
import type { RulesAnswer, RulesQuestion } from './questions.ts';

export const RULES_WORKER = new URL('./rules.worker.ts', import.meta.url);

export interface RulesCheck {
  /**
   * What is wrong, by path (`rules[3].pattern`, `rules[3].examples.match.0`).
   * @throws {OpmasError} OPMAS_UNAVAILABLE when too many wait
   */
  faultsOf(rules: unknown): Promise<Fault[]>;
  stop(): Promise<void>;
}

export function createRulesCheck(): RulesCheck {
  const worker = boundedWorker<RulesQuestion, RulesAnswer>({
    script: RULES_WORKER,
    timeoutMs: rulesLimits.answerMs,
    memoryMb: rulesLimits.workerMb,
  });
  let waiting = 0;
  let last: Promise<unknown> = Promise.resolve();
  let resting: NodeJS.Timeout | undefined;

  async function check(rules: unknown): Promise<Fault[]> {
    const told = await worker.ask({ ask: 'check', rules });
    if (told.lost) return [{ path: 'rules', message: `cannot be checked: ${told.message}` }];
    const { answer } = told;
    if (answer.told !== 'checked') throw new Error(`a check was answered by ${answer.told}`);
    return [...answer.errors.map(faultOf), ...answer.failed.map(failureOf)];
  }

  return {
    faultsOf: async (rules) => {
      if (waiting >= rulesLimits.checksWaiting) {
        throw new OpmasError('OPMAS_UNAVAILABLE', 'Too many rule sets wait to be checked', {
          retryAfter: 1,
        });
      }
      waiting += 1;
      clearTimeout(resting);
      const turn = last.then(() => check(rules));
      last = turn.catch(() => undefined);
      try {
        return await turn;
      } finally {
        waiting -= 1;
        if (waiting === 0) {
          resting = setTimeout(() => void worker.rest(), rulesLimits.restMs);
          resting.unref();
        }
      }
    },
    stop: async () => {
      clearTimeout(resting);
      await worker.rest();
    },
  };
}

export function faultOf({ index, path, message }: RuleFault): Fault {
  return {
    path: index < 0 ? 'rules' : `rules[${index}]${path === '' ? '' : `.${path}`}`,
    message,
  };
}

export function failureOf({ rule_index, path, message, rule_id }: ExampleFailure): Fault {
  return faultOf({ index: rule_index, rule_id, path, message });
}
