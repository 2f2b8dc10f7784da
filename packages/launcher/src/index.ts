/** Children of `opmas up`: start, ready, lock, ports, revive, stop in order. */
export { type DataDirLock, dataDirLock, type LockHolder, lockHolder } from './data/lock.ts';
export { LaunchError, type LaunchErrorCode } from './errors.ts';
export { type NatsBinary, natsBinary } from './nats/binary.ts';
export {
  type CredsFiles,
  type EmbeddedNats,
  type EmbeddedNatsOptions,
  embeddedNats,
} from './nats/embedded-nats.ts';
export { type NatsServer, type NatsServerOptions, natsServer } from './nats/nats-server.ts';
export {
  type EmbeddedPostgres,
  type EmbeddedPostgresOptions,
  embeddedPostgres,
} from './postgres/embedded-postgres.ts';
export { grantRights } from './postgres/roles.ts';
export { Child, type ChildEvent, type ChildPlan } from './process/child.ts';
export {
  identityOf,
  isAlive,
  ownIdentity,
  type ProcessIdentity,
} from './process/identity.ts';
export { CHILDREN, type DownResult, down } from './up/down.ts';
export { type PortNeed, portHolder, requirePort } from './up/port-holder.ts';
export { describeProgress, type Progress } from './up/progress.ts';
export { type RunningChild, type RunningInstance, runningInstance } from './up/run-file.ts';
export { SETTINGS, type SettingName, type SettingRow } from './up/setting-table.ts';
export { type Environment, readSettings, type Settings } from './up/settings.ts';
export { type Running, type UpOptions, up } from './up/up.ts';
