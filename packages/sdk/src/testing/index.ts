/** What an agent's tests import. */

export { MemoryWindowLog } from '../state/memory-window-log.ts';
export { type FakeClock, fakeClock } from './fake-clock.ts';
export {
  type EmitResult,
  type TestCommand,
  type TestHarness,
  type TestOptions,
  testAgent,
} from './test-agent.ts';
