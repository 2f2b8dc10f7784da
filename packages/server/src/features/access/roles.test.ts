import { describe, expect, test } from 'vitest';
import { covers, type Grant, isWithin, reaches, reachOf } from '../../kernel/grants.ts';
import { createAccessService } from './access.service.ts';

const access = createAccessService({ database: undefined as never, clock: undefined as never });
const may = (roles: string[], permission: string) =>
  reachOf(access.grantsOf(roles), permission) === 'all';

describe('built-in roles', () => {
  test.each([
    ['admin', 'users:write', true],
    ['operator', 'agents:control', true],
    ['operator', 'configs:write', true],
    ['operator', 'events:write', true],
    ['operator', 'users:read', false],
    ['operator', 'tokens:create', false],
    ['operator', 'audit:read', false],
    ['read-only', 'agents:read', true],
    ['read-only', 'users:read', false],
    ['read-only', 'audit:read', false],
    ['read-only', 'agents:write', false],
    ['read-only', 'events:write', false],
    ['agent', 'agents:read', false],
    ['__proto__', 'agents:read', false],
    ['constructor', 'agents:read', false],
    ['Admin', 'agents:read', false],
  ])('%s, %s: %s', (role, permission, answer) => expect(may([role], permission)).toBe(answer));

  test('nothing granted is everything denied', () => expect(may([], 'agents:read')).toBe(false));
});

describe('grants', () => {
  const wifi: Grant = { permission: 'agents:*', agents: { types: ['wifi'] } };
  const edge: Grant = {
    permission: 'agents:read',
    agents: { tags: ['edge'], types: ['wifi', 'dns'] },
  };
  const agent = (type: string, ...tags: string[]) => ({ id: `${type}-1`, type, tags });

  test('a grant covers its own resource and action only', () => {
    expect(covers('agents:*', 'agentsx:read')).toBe(false);
    expect(covers('*:read', 'agents:reader')).toBe(false);
    expect(covers('*', 'x:y')).toBe(true);
  });

  test('a limited grant reaches the agents it names and no other', () => {
    const reach = reachOf([wifi], 'agents:write') ?? [];
    expect(reaches(reach, agent('wifi'))).toBe(true);
    expect(reaches(reach, agent('dns'))).toBe(false);
    expect(reachOf([wifi], 'configs:read')).toBeUndefined();
  });

  test('all lists of a selector must agree', () => {
    const reach = reachOf([edge], 'agents:read') ?? [];
    expect(reaches(reach, agent('dns', 'edge'))).toBe(true);
    expect(reaches(reach, agent('dns', 'core'))).toBe(false);
    expect(reaches(reach, agent('health', 'edge'))).toBe(false);
  });

  test('an unlimited grant beside a limited one counts', () => {
    expect(reachOf([wifi, { permission: '*:read' }], 'agents:read')).toBe('all');
  });

  test.each<[Grant, Grant, boolean]>([
    [{ permission: 'agents:read' }, { permission: 'agents:*' }, true],
    [{ permission: 'agents:*' }, { permission: 'agents:read' }, false],
    [{ permission: '*' }, { permission: '*:*' }, false],
    [{ permission: '*:read' }, { permission: 'agents:*' }, false],
    [{ permission: 'agents:read' }, wifi, false],
    [wifi, { permission: '*' }, true],
    [{ permission: 'agents:read', agents: { types: ['wifi'] } }, wifi, true],
    [{ permission: 'agents:read', agents: { types: ['wifi', 'dns'] } }, wifi, false],
    [{ permission: 'agents:read', agents: { ids: ['a'], types: ['wifi'] } }, wifi, true],
    [{ permission: 'agents:read', agents: { ids: ['a'] } }, wifi, false],
  ])('handing on %j holding %j: %s', (asked, held, answer) => {
    expect(isWithin([asked], [held])).toBe(answer);
  });
});
