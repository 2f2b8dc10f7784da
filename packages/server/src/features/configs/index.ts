export type {
  ConfigAnswer,
  ConfigChange,
  ConfigWrite,
  LayerAnswer,
  Validation,
} from './config.ts';
export { configsOperations } from './configs.operations.ts';
export { type ConfigsService, createConfigsService } from './configs.service.ts';
export { CONFIG_SECRETS } from './configs.store.ts';
export type { NewConfig } from './fleet.store.ts';
export { createGroupsService, type GroupsService } from './groups.service.ts';
export { groupsWithSecrets } from './groups.store.ts';
export { environmentFaults } from './layers.ts';
export { configLimits } from './limits.ts';
export { packageSchemaLimits, readPackageSchema, type SchemaDocument } from './package-schema.ts';
export {
  agentScope,
  type DraftRef,
  environmentScope,
  FLEET,
  groupScope,
  labelOf,
  runtimeScope,
  type Scope,
  type ScopeRef,
} from './scopes.ts';
export { type Labelled, matchesSelector, parseSelector, type Selector } from './selector.ts';
export type { LetGo, StagedContent } from './staging.ts';
export { createConfigUpkeep } from './upkeep.ts';
