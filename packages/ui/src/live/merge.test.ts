// The lists must end the same whatever the order and number of messages.
import { expect, test } from 'vitest';
import { aFinding, anAgent } from '../lib/samples.ts';
import { mergeAgents, mergeFindings } from './merge.ts';
import type { LiveMessage } from './messages.ts';

const status = (over: Parameters<typeof anAgent>[0]): LiveMessage => ({
  type: 'agent.status',
  cursor: null,
  agent: anAgent(over),
});
const beat = (agent_id: string, timestamp: string): LiveMessage => ({
  type: 'agent.heartbeat',
  cursor: null,
  agent_id,
  timestamp,
});

test('a status replaces its agent, an unknown agent is added', () => {
  const merged = mergeAgents(
    [anAgent()],
    [
      status({ status: 'failed', updated_at: '2026-11-21T09:00:01.000Z' }),
      status({ agent_id: 'wifi-1', name: 'wifi_agent' }),
    ],
  );
  expect(merged.map(({ agent_id, status }) => [agent_id, status])).toEqual([
    ['security-1', 'failed'],
    ['wifi-1', 'running'],
  ]);
});

test('a replayed older status changes nothing', () => {
  const agents = [anAgent({ status: 'failed', updated_at: '2026-11-21T09:00:05.000Z' })];
  expect(mergeAgents(agents, [status({})])).toBe(agents);
});

test('a heartbeat moves only forward, and never makes an agent', () => {
  const agents = [anAgent()];
  const [agent] = mergeAgents(agents, [
    beat('security-1', '2026-11-21T09:00:30.000Z'),
    beat('security-1', '2026-11-21T09:00:10.000Z'),
  ]);
  expect(agent?.last_heartbeat).toBe('2026-11-21T09:00:30.000Z');
  expect(mergeAgents(agents, [beat('nobody', '2026-11-21T09:00:30.000Z')])).toBe(agents);
});

test('a status does not take back a heartbeat that was already shown', () => {
  const shown = mergeAgents([anAgent()], [beat('security-1', '2026-11-21T09:00:30.000Z')]);
  const [agent] = mergeAgents(shown, [status({ updated_at: '2026-11-21T09:00:20.000Z' })]);
  expect(agent?.last_heartbeat).toBe('2026-11-21T09:00:30.000Z');
});

const page = (...ns: number[]) => ({ items: ns.map((n) => aFinding(n)), next_cursor: 'c' });
const ids = (pages: ReturnType<typeof mergeFindings>) =>
  pages.map(({ items }) => items.map((finding) => finding.finding_id));

test('new findings go on top, newest first, each once', () => {
  const merged = mergeFindings([page(3, 2), page(1)], [aFinding(4), aFinding(5), aFinding(4)], 100);
  expect(ids(merged)).toEqual([['f0005', 'f0004', 'f0003', 'f0002'], ['f0001']]);
});

test('a known finding is replaced where it stands', () => {
  const merged = mergeFindings([page(3), page(1)], [aFinding(1, { status: 'resolved' })], 100);
  expect(ids(merged)).toEqual([['f0003'], ['f0001']]);
  expect(merged[1]?.items[0]?.status).toBe('resolved');
});

test('above the bound the oldest go, and no page is offered beyond the gap', () => {
  const merged = mergeFindings([page(4, 3), page(2, 1)], [aFinding(5)], 4);
  expect(ids(merged)).toEqual([['f0005', 'f0004', 'f0003'], ['f0002']]);
  expect(merged.at(-1)?.next_cursor).toBeNull();
});
