/** Compiles one list of rules after the other, on a thread of its own: a hostile list must not stop the server. */
import { parentPort } from 'node:worker_threads';
import type { Rule } from '@opmas/protocol';
import { checkExamples, compileRules, type RuleFault } from '@opmas/rules';
import type { RulesAnswer } from './rules-check.ts';

parentPort?.on('message', (rules: readonly Rule[]) => {
  const { ok, errors, warnings } = compileRules(rules);
  const failed = ok
    ? checkExamples(rules).map((failure) => textOf({ ...failure, index: failure.rule_index }))
    : [];
  const answer: RulesAnswer = {
    errors: [...errors.map(textOf), ...failed],
    warnings: warnings.map(textOf),
  };
  parentPort?.postMessage(answer);
});

function textOf({ index, rule_id, path, message }: RuleFault): string {
  const place = index === -1 ? '' : `[${index}]${path === '' ? '' : `.${path}`}`;
  return `${place}${rule_id === undefined ? '' : ` (rule ${rule_id})`}: ${message}`;
}
