/** The entry path that the collector and `POST /events` share: parse, frame, normalise, route. No sockets. */
export { type OnFrame, SyslogFramer } from './framing.ts';
export type { EventBatch } from './http-batches.ts';
export type { EntryContext } from './http-event.ts';
export { type PostedEvents, type ReadEvents, type Rejection, readEvents } from './http-events.ts';
export { ingestLimits } from './limits.ts';
export { isPlausible, normalise, type Reception, utc } from './normalise.ts';
export { createRouter, type Routable, type Router } from './routing.ts';
export { type FollowedRouter, followRouting, type RoutingFileOptions } from './routing-file.ts';
export {
  type CheckedRouting,
  checkRouting,
  type RoutingFault,
  type RoutingRule,
} from './routing-rules.ts';
export { decodeLine, parseSyslog } from './syslog.ts';
export type { StructuredData, SyslogLine } from './syslog-line.ts';
export { FACILITIES, SYSLOG_SEVERITIES } from './syslog-names.ts';
