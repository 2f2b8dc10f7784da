/** What crosses a process border, written once. No I/O; runs in a browser. */
export * from './api.ts';
export * from './common.ts';
export * from './config.ts';
export * from './control.ts';
export * from './errors.ts';
export * from './event.ts';
export * from './feed.ts';
export * from './finding.ts';
export * from './host.ts';
export * from './lifecycle.ts';
export * from './limits.ts';
export * from './manifest.ts';
export * from './registration.ts';
export * from './rule.ts';
export * from './subjects.ts';
export * from './telemetry.ts';
export { type Static, type TObject, type TSchema, Type } from './typebox.ts';
export * from './validate.ts';
