/** opmas-host: starts, watches, restarts and stops agent processes. */
export { type BusLink, busLink } from './bus-link.ts';
export { type Exit, type ExitKind, type ExitReason, exitReason } from './exit-reason.ts';
export { createHost, type Host, type HostOptions } from './host.ts';
export { type AgentRecord, type Handle, MOVES, mayMove } from './instance.ts';
export { limits, policyLimits, startsInFlight, type Timing, timing } from './limits.ts';
export { type Clock, type DesiredListener, type HostLink, type Log, systemClock } from './link.ts';
export { afterFailure, freshLadder, type Ladder, type Verdict } from './policy.ts';
export { nextStep, type Step } from './reconcile.ts';
export type { Runner, RunnerCapabilities, RunnerEvent, StartSpec, Usage } from './runner.ts';
export { type ProcessRunnerOptions, processRunner } from './runners/process.ts';
export { type ProcessTable, processTable } from './runners/process-table.ts';
export { readSettings, type Settings, type SettingsResult } from './settings.ts';
