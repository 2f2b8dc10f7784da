// The fleet's filter and order.
import { expect, test } from 'vitest';
import { anAgent } from '../lib/samples.ts';
import { countGroups, filterFleet, fleetRows, readFleetFilter } from './filter.ts';

const rows = fleetRows([
  anAgent({ agent_id: '1', name: 'agent10' }),
  anAgent({ agent_id: '2', name: 'agent9', tags: ['site=attic'] }),
  anAgent({ agent_id: '3', name: 'zed', status: 'failed', reason: 'Exited with code 1' }),
  anAgent({ agent_id: '4', name: 'gone', status: 'removed' }),
  anAgent({ agent_id: '5', name: 'new', status: 'registered' }),
]);
const names = (shown: typeof rows) => shown.map(({ agent }) => agent.name);

test('the worst stands first, equals by name with numbers as numbers', () => {
  expect(names(rows)).toEqual(['zed', 'new', 'agent9', 'agent10', 'gone']);
});

test('removed agents show only when asked for', () => {
  expect(names(filterFleet(rows, {}))).not.toContain('gone');
  expect(names(filterFleet(rows, { status: ['removed'] }))).toEqual(['gone']);
});

test('the text is looked for in name, tag and reason, in any case', () => {
  expect(names(filterFleet(rows, { q: ' ATTIC ' }))).toEqual(['agent9']);
  expect(names(filterFleet(rows, { q: 'code 1' }))).toEqual(['zed']);
  expect(names(filterFleet(rows, { q: 'agent', status: ['attention'] }))).toEqual([]);
});

test('each agent is counted in one group', () => {
  const counts = countGroups(rows);
  expect(counts).toEqual({ attention: 1, running: 2, starting: 1, stopped: 0, removed: 1 });
});

test('a hostile address gives no filter', () => {
  expect(readFleetFilter({ q: { $ne: 1 }, status: 'evil,__proto__', x: 1 })).toEqual({});
  expect(readFleetFilter({ q: 'wifi', status: 'running,attention' })).toEqual({
    q: 'wifi',
    status: ['attention', 'running'],
  });
});
