/** Real servers and honest waits for tests; private, never shipped. */
export { compileCacheEnv, shareCompileCache } from './compile-cache.ts';
export { type FakeClock, fakeClock } from './fake-clock.ts';
export { freePort, freeUdpPort } from './free-port.ts';
export { type TestNats, type TestNatsOptions, type TestUser, testNats } from './nats.ts';
export {
  type FreshOptions,
  type TestDatabase,
  type TestPostgres,
  testPostgres,
} from './postgres.ts';
export { type TempDir, tempDir } from './temp-dir.ts';
export { type WaitOptions, waitFor } from './wait-for.ts';
