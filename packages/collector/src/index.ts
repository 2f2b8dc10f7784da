/** The inputs for logs: syslog over UDP and TCP. */
export { type Collector, type CollectorOptions, startCollector } from './app.ts';
export { collectorLimits } from './limits.ts';
export { readSettings, type Settings, type SettingsResult } from './settings.ts';
