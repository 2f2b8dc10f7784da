export type { PresenceChange } from './liveness.ts';
export { trimSources } from './sources.store.ts';
export { telemetryOperations } from './telemetry.operations.ts';
export {
  createTelemetryService,
  type TelemetryItem,
  type TelemetryService,
} from './telemetry.service.ts';
export { trimTelemetryKeys } from './telemetry.store.ts';
