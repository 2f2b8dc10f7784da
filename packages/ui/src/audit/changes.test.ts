// Differences between before and after, and the address of the audit log.
import { expect, test } from 'vitest';
import { changesOf } from './changes.ts';
import { auditQuery, readAuditSearch } from './filter.ts';

test('only what differs is listed, by its place', () => {
  const before = { roles: ['operator'], disabled: false, limits: { memory: '64M', cpu: 1 } };
  const after = {
    roles: ['operator', 'admin'],
    disabled: false,
    limits: { memory: '128M', cpu: 1 },
  };
  expect(changesOf(before, after, 10).rows).toEqual([
    { path: 'limits.memory', before: '"64M"', after: '"128M"' },
    { path: 'roles.1', before: undefined, after: '"admin"' },
  ]);
});

test('what was made or deleted is listed whole', () => {
  expect(changesOf(null, { name: 'noc', grants: [] }, 10).rows).toEqual([
    { path: 'grants', before: undefined, after: '[]' },
    { path: 'name', before: undefined, after: '"noc"' },
  ]);
  expect(changesOf({ name: 'noc' }, undefined, 10).rows).toHaveLength(1);
});

test('a list of changes has an end', () => {
  const many = Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`k${n}`, n]));
  const { rows, hidden } = changesOf({}, many, 20);
  expect(rows).toHaveLength(20);
  expect(hidden).toBe(30);
});

test('what the address says and nobody understands is left out', () => {
  expect(
    readAuditSearch({ actor: 'admin', outcome: 'lost', from: 'yesterday', entry: '-1', x: 'y' }),
  ).toEqual({ actor: 'admin' });
  const from = '2026-11-21T10:30';
  expect(readAuditSearch({ outcome: 'refused', from, entry: '12' })).toEqual({
    outcome: 'refused',
    from,
    entry: '12',
  });
  expect(auditQuery({ from })).toEqual({ from: new Date(2026, 10, 21, 10, 30).toISOString() });
});
