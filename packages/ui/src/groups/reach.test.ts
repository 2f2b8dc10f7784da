// What the page says a selector chooses is what the server will choose.
import { expect, test } from 'vitest';
import { anAgent } from '../lib/samples.ts';
import { movesOf, reachOf } from './reach.ts';

const agents = [
  anAgent({ agent_id: 'w2', name: 'wifi-b', type: 'wifi', tags: ['site=berlin', 'old'] }),
  anAgent({ agent_id: 'w1', name: 'wifi-a', type: 'wifi', tags: ['site=paris'] }),
  anAgent({ agent_id: 'h1', name: 'health', type: 'health', tags: ['site=berlin'] }),
  anAgent({ agent_id: 'x', name: 'gone', type: 'wifi', status: 'removed' }),
];
const chosen = (selector: string) => {
  const reach = reachOf(selector, agents);
  return reach.ok ? reach.agents.map(({ agent_id }) => agent_id) : reach;
};

test('agents are chosen by type, name, id and tags, removed ones never', () => {
  expect(chosen('type=wifi')).toEqual(['w1', 'w2']);
  expect(chosen('site=berlin, tag!=old')).toEqual(['h1']);
  expect(chosen('id in (w1, h1, x)')).toEqual(['h1', 'w1']);
  expect(chosen('name=nobody')).toEqual([]);
});

test('what cannot be read is told with its place, counted from 1', () => {
  expect(chosen('type=wifi site=berlin')).toEqual({
    ok: false,
    message: 'a comma is missing',
    at: 10,
  });
  expect(chosen('')).toMatchObject({ ok: false, at: 1 });
});

test('a change of the selector says who joins and who leaves', () => {
  const [before, after] = [reachOf('type=wifi', agents), reachOf('site=berlin', agents)];
  if (!before.ok || !after.ok) throw new Error('unreadable');
  const { joins, leaves, stays } = movesOf(before.agents, after.agents);
  expect([joins, leaves, stays].map((some) => some.map(({ agent_id }) => agent_id))).toEqual([
    ['h1'],
    ['w1'],
    ['w2'],
  ]);
});
