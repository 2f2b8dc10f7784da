/** Access tokens of agents after their access ended: which still count. */
import { expect, test } from 'vitest';
import { createRevocations } from './revocations.ts';
import { AGENT_SECONDS, type Claims } from './tokens.ts';

const SECOND = 1_800_000_000_000;

/** What looks at the agents alone need no database for. */
const nothing = {
  selectFrom: () => nothing,
  select: () => nothing,
  selectAll: () => nothing,
  where: () => nothing,
  execute: async () => [],
};

function revocations() {
  return createRevocations({
    database: nothing as never,
    clock: { now: () => SECOND + 60_000, monotonic: () => 0 },
  });
}

/** As it is read from a token: issued to the millisecond, ending at a full second. */
function tokenOf(id: string, issuedAt: number): Claims {
  return {
    caller: { kind: 'agent', id, name: id, roles: [], grants: [] },
    sessionId: undefined,
    issuedAt,
    expiresAt: Math.floor(issuedAt / 1_000) * 1_000 + AGENT_SECONDS * 1_000,
  };
}

const ended = (id: string, at: number) => ({ id, updated_at: new Date(at) });

test.each([
  ['the last one told last', [100, 9_000]],
  ['the last one told first', [9_000, 100]],
])('of several endings of an agent the last counts: %s', async (_, times) => {
  const { sync, isRevoked } = revocations();
  await sync(times.map((after) => ended('a', SECOND + after)));
  expect(isRevoked(tokenOf('a', SECOND + 5_000))).toBe(true);
  expect(isRevoked(tokenOf('a', SECOND + 9_000))).toBe(true);
  expect(isRevoked(tokenOf('a', SECOND + 9_001))).toBe(false);
  expect(isRevoked(tokenOf('b', SECOND + 5_000))).toBe(false);
});

test('one that comes back within the same second is let in', async () => {
  const { sync, isRevoked } = revocations();
  await sync([ended('a', SECOND + 300)]);
  expect(isRevoked(tokenOf('a', SECOND + 299))).toBe(true);
  expect(isRevoked(tokenOf('a', SECOND + 700))).toBe(false);
});
