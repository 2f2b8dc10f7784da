/** What an agent's author imports. */
export type { Credentials } from '@opmas/bus';
export type {
  AgentConfig,
  ControlMessage,
  ControlReply,
  Fault,
  Finding,
  LogEvent,
  Rule,
  Severity,
} from '@opmas/protocol';
export type { Match } from '@opmas/rules';
export type { ActionHandler, AgentMatch } from './agent/actions.ts';
export type { ConfigOrigin } from './agent/configuration.ts';
export type { AgentHealth } from './agent/status.ts';
export { BaseAgent, type StopReason } from './base-agent.ts';
export { type Clock, systemClock } from './clock.ts';
export { Config } from './config.ts';
export {
  type AgentContext,
  type AgentDefinition,
  type DefinedAgent,
  defineAgent,
  type EventHandler,
} from './define-agent.ts';
export { AgentError } from './errors.ts';
export { type Field, type Fields, type FieldValues, t } from './fields.ts';
export type { FindingDraft } from './finding.ts';
export { findingId, uuidV5 } from './finding-id.ts';
export { createLogger, type Logger } from './logger.ts';
export { DEFAULT_BOUNDS, Metrics } from './metrics.ts';
export { constructWith } from './runtime/ambient.ts';
export { createRuntime, type RuntimeOptions } from './runtime/connected.ts';
export type { AgentRuntime, FetchedConfig, RuntimeHandlers, Told } from './runtime/runtime.ts';
export { isSecretName, MASK, sanitizeData } from './sanitize.ts';
export {
  agentNames,
  type Scaffolded,
  type ScaffoldOptions,
  scaffoldAgent,
} from './scaffold/scaffold.ts';
export type { WindowLog } from './state/window-log.ts';
export type { Delivery } from './work/delivery.ts';
