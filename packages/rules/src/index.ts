/** The rule engine: compile, match, check examples. Knows nothing of the broker. */
export {
  AVAILABLE_KINDS,
  type CompileOptions,
  type CompileResult,
  compileRules,
} from './compile.ts';
export { checkExamples, type ExampleFailure, exampleEvent } from './examples.ts';
export type { RuleFault } from './fault.ts';
export type { EventMatches, Match, Ruleset } from './ruleset.ts';
export { ruleVersion } from './version.ts';
export { CONDITION_FIELDS } from './where.ts';
