// What is offered must be what the server will allow: a limited grant holds for the agents it chooses, and no other.
import { expect, test } from 'vitest';
import { mayEverywhere, mayFor } from './grants.ts';
import { anAgent } from './samples.ts';

const holder = (agents: object | undefined) => ({
  grants: [{ permission: 'configs:*', ...(agents ? { agents } : {}) }],
});
const agent = anAgent({ agent_id: 'wifi-1', type: 'wifi', tags: ['site=attic', 'old'] });

test.each([
  [undefined, true],
  [{}, true],
  [{ ids: ['wifi-1'] }, true],
  [{ ids: ['wifi-2'] }, false],
  [{ types: ['wifi'], tags: ['old'] }, true],
  [{ types: ['wifi'], tags: ['new'] }, false],
  [{ ids: ['wifi-1'], types: ['dns'] }, false],
  [{ tags: [] }, false],
])('a grant for %j: %s', (limit, expected) => {
  expect(mayFor(holder(limit), 'configs:write', agent)).toBe(expected);
});

test('another permission is not granted, and a limit is no grant for everything', () => {
  expect(mayFor(holder(undefined), 'agents:write', agent)).toBe(false);
  expect(mayFor(undefined, 'configs:read', agent)).toBe(false);
  expect(mayEverywhere(holder({ types: ['wifi'] }), 'configs:write')).toBe(false);
});
