export type { AgentNamed } from './in-service.ts';
export { rulesOperations } from './rules.operations.ts';
export {
  createRulesService,
  type InForce,
  type RulesService,
} from './rules.service.ts';
export { createRulesCheck, type RulesCheck } from './rules-check.ts';
export { createTrials, type Trials } from './trials.ts';
export { recordDisabled, recordUsage, trimUsage } from './usage.store.ts';
