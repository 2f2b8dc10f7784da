/** What an agent's tests import. */
export { type FakeClock, fakeClock } from './fake-clock.ts';
export {
  type EmitResult,
  type TestCommand,
  type TestHarness,
  type TestOptions,
  testAgent,
} from './test-agent.ts';
