// The feed's text is read without believing it.
import { expect, test } from 'vitest';
import { aJob } from '../jobs/samples.ts';
import { aFinding, anAgent } from '../lib/samples.ts';
import { readMessage } from './messages.ts';

const read = (message: unknown) => readMessage(JSON.stringify(message));

test('each message this page uses is read', () => {
  expect(read({ type: 'agent.status', cursor: 'e.1', data: anAgent() })).toEqual({
    type: 'agent.status',
    cursor: 'e.1',
    agent: anAgent(),
  });
  expect(read({ type: 'finding', cursor: 'e.2', data: aFinding(1) })).toEqual({
    type: 'finding',
    cursor: 'e.2',
    finding: aFinding(1),
  });
  const data = { agent_id: 'a', status: 'healthy', timestamp: '2026-11-21T09:00:00Z', uptime: 3 };
  expect(read({ type: 'agent.heartbeat', cursor: null, data })).toMatchObject({ agent_id: 'a' });
  const job = { ...aJob(), agent_ids: ['a'] };
  expect(read({ type: 'job', cursor: 'e.3', data: job })).toEqual({
    type: 'job',
    cursor: 'e.3',
    job,
  });
  expect(read({ type: 'snapshot', cursor: 'e.9', data: {} })).toMatchObject({ cursor: 'e.9' });
});

test('a message of a wrong form or a later kind keeps its cursor and does nothing else', () => {
  expect(read({ type: 'finding', cursor: 'e.3', data: { finding_id: 7 } })).toEqual({
    type: 'other',
    cursor: 'e.3',
  });
  expect(read({ type: 'job', cursor: 'e.4', data: {} })).toEqual({ type: 'other', cursor: 'e.4' });
});

test.each(['', 'no json', '[]', 'null', '{"data":1}', '7'])('%j is no message', (raw) => {
  expect(readMessage(raw)).toBeUndefined();
});
