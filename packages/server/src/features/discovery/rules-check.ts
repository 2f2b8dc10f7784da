/** Can the rule engine run a package's rules, and do their examples come out? On a thread that may be lost. */
import type { PackageFault, Rule } from '@opmas/protocol';
import { boundedWorker } from '../../kernel/bounded-worker.ts';
import { discoveryLimits } from './discovery.ts';

/** What is wrong, and what the engine only warns of; texts begin with the rule's place. */
export interface RulesAnswer {
  errors: string[];
  warnings: string[];
}

export interface RulesCheck {
  faultsOf(rules: readonly Rule[]): Promise<{ errors: PackageFault[]; warnings: PackageFault[] }>;
  /** Ends the thread; the next question starts another. */
  rest(): Promise<void>;
}

export function createRulesCheck(timeoutMs: number = discoveryLimits.compileMs): RulesCheck {
  const worker = boundedWorker<readonly Rule[], RulesAnswer>({
    script: new URL('./rules-check.worker.ts', import.meta.url),
    timeoutMs,
    memoryMb: discoveryLimits.workerMb,
  });
  const faults = (code: string, texts: readonly string[]): PackageFault[] =>
    texts.slice(0, discoveryLimits.faults).map((text) => ({ code, message: `rules.json${text}` }));
  return {
    rest: worker.rest,
    faultsOf: async (rules) => {
      if (rules.length === 0) return { errors: [], warnings: [] };
      const told = await worker.ask(rules);
      if (told.lost)
        return { errors: faults('invalid_rules', [`: ${told.message}`]), warnings: [] };
      return {
        errors: faults('invalid_rules', told.answer.errors),
        warnings: faults('rule_warning', told.answer.warnings),
      };
    },
  };
}
