/** The rule engine: compile, match, check examples. Knows nothing of the broker. */
export { Traffic, typicalTraffic } from './choose/traffic.ts';
export {
  AVAILABLE_KINDS,
  type CompileOptions,
  type CompileResult,
  compileRules,
  compileRulesInSlices,
} from './compile.ts';
export { checkExamples, type ExampleFailure, exampleEvent, failuresOf } from './examples/check.ts';
export type { RuleFault } from './fault.ts';
export type { DisabledRule } from './fuse.ts';
export { importFail2ban } from './import/fail2ban.ts';
export type { Imported } from './import/result.ts';
export { importSigma } from './import/sigma.ts';
export type { EventMatches } from './matcher.ts';
export { type PayloadLine, PayloadScreen, type Screened, type ScreenOptions } from './payload.ts';
export type { BatchPlace, BatchSlice, Ruleset, RulesetStats } from './ruleset.ts';
export type { ScanKind } from './scan/create.ts';
export { arrivalOf } from './stateful/event-time.ts';
export { type Firing, WindowDetails } from './stateful/firing.ts';
export { windowBounds } from './stateful/limits.ts';
export type { WindowRule } from './stateful/window-rule.ts';
export {
  type WindowStats,
  Windows,
  type WindowsOptions,
  type WithWindows,
} from './stateful/windows.ts';
export { ruleCosts } from './trial/cost.ts';
export type { Explanation, Step } from './trial/explain.ts';
export { trialLimits } from './trial/limits.ts';
export {
  type Difference,
  type RuleTrial,
  type Told,
  Trial,
  type TrialOptions,
  type TrialResult,
  type TrialStart,
} from './trial/trial.ts';
export type { Match } from './verify.ts';
export { ruleVersion } from './version.ts';
export { CONDITION_FIELDS } from './where.ts';
