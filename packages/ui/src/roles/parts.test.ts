// Roles as their editor shows them.
import { expect, test } from 'vitest';
import type { Grant } from '../api/resources.ts';
import { byResource, isCovered, toGrants, toggled, toParts } from './parts.ts';

const wifi = { types: ['wifi'], tags: ['attic', 'cellar'] };

test('what is granted for the same agents is one part, and saving changes nothing', () => {
  const grants: Grant[] = [
    { permission: 'agents:read' },
    { permission: 'agents:control', agents: wifi },
    { permission: 'findings:read' },
    { permission: 'configs:*', agents: { types: ['wifi'], tags: ['cellar', 'attic'] } },
  ];
  const parts = toParts(grants);
  expect(parts.map(({ permissions }) => permissions)).toEqual([
    ['agents:read', 'findings:read'],
    ['agents:control', 'configs:*'],
  ]);
  expect(toGrants(parts)).toEqual([
    { permission: 'agents:read' },
    { permission: 'findings:read' },
    { permission: 'agents:control', agents: wifi },
    { permission: 'configs:*', agents: wifi },
  ]);
});

test('a part without a limit is for all agents: no empty selector is sent', () => {
  expect(toGrants([{ permissions: ['*'], ids: [], types: [], tags: [] }])).toEqual([
    { permission: '*' },
  ]);
});

test('what a wider permission covers cannot be taken away one by one', () => {
  expect(isCovered(['agents:*'], 'agents:read')).toBe(true);
  expect(isCovered(['*:read'], 'agents:read')).toBe(true);
  expect(isCovered(['*'], 'agents:*')).toBe(true);
  expect(isCovered(['*:read'], 'agents:*')).toBe(false);
  expect(isCovered(['agents:*'], '*:read')).toBe(false);
  expect(isCovered(['agents:read'], 'agents:read')).toBe(false);
});

test('choosing a wider permission replaces what it covers', () => {
  expect(toggled(['agents:read', 'users:read'], 'agents:*')).toEqual(['users:read', 'agents:*']);
  expect(toggled(['agents:read', 'users:*'], '*')).toEqual(['*']);
  expect(toggled(['agents:read'], 'agents:read')).toEqual([]);
});

test('permissions stand together by what they are about', () => {
  const row = (permission: string) => ({ permission, meaning: '' });
  const rows = [row('agents:read'), row('users:read'), row('agents:write')];
  expect(byResource(rows).map(({ name, rows: each }) => [name, each.length])).toEqual([
    ['agents', 2],
    ['users', 1],
  ]);
});
