import { describe, expect, test } from 'vitest';
import { covers, mayDo } from './roles.ts';

const may = (roles: string[], permission: string) =>
  mayDo({ kind: 'user', id: 'u', name: 'u', roles }, permission);

describe('roles', () => {
  test.each([
    ['admin', 'users:delete', true],
    ['operator', 'agents:control', true],
    ['operator', 'configs:write', true],
    ['operator', 'events:write', true],
    ['operator', 'events:read', false],
    ['operator', 'users:read', false],
    ['read-only', 'agents:read', true],
    ['read-only', 'agents:write', false],
    ['read-only', 'events:write', false],
    ['__proto__', 'agents:read', false],
    ['constructor', 'agents:read', false],
    ['Admin', 'agents:read', false],
  ])('%s, %s: %s', (role, permission, answer) => expect(may([role], permission)).toBe(answer));

  test('nothing granted is everything denied', () => expect(may([], 'agents:read')).toBe(false));

  test('a grant covers its own resource and action only', () => {
    expect(covers('agents:*', 'agentsx:read')).toBe(false);
    expect(covers('*:read', 'agents:reader')).toBe(false);
    expect(covers('*', 'x:y')).toBe(true);
  });
});
