// The wait between tries grows, is jittered, and has a cap.
import { expect, test } from 'vitest';
import { limits } from '../limits.ts';
import { reconnectWait } from './backoff.ts';

test('doubles from the base to the cap, between half and all of it', () => {
  expect(reconnectWait(0, 0)).toBe(limits.reconnectBaseMs / 2);
  expect(reconnectWait(0, 1)).toBe(limits.reconnectBaseMs);
  expect(reconnectWait(2, 1)).toBe(limits.reconnectBaseMs * 4);
  expect(reconnectWait(1_000, 1)).toBe(limits.reconnectCapMs);
});
