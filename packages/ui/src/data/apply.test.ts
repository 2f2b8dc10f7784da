// Messages reach every list they belong to, and no other.
import { QueryClient } from '@tanstack/react-query';
import { expect, test } from 'vitest';
import type { JobsList } from '../jobs/merge.ts';
import { aJob } from '../jobs/samples.ts';
import { aFinding, anAgent } from '../lib/samples.ts';
import { limits } from '../limits.ts';
import { applyMessages, type FindingsList } from './apply.ts';
import { keys } from './keys.ts';

const list = (...ns: number[]): FindingsList => ({
  pages: [{ items: ns.map((n) => aFinding(n)), next_cursor: null }],
  pageParams: [null],
});
const arrives = (n: number, over = {}) =>
  ({ type: 'finding', cursor: null, finding: aFinding(n, over) }) as const;

test('a finding goes into the lists whose filter it matches', () => {
  const queries = new QueryClient();
  queries.setQueryData(keys.findings({}), list(1));
  queries.setQueryData(keys.findings({ severity: ['critical'] }), list());
  applyMessages(queries, [arrives(2), arrives(3, { severity: 'critical' })]);
  const all = queries.getQueryData<FindingsList>(keys.findings({}));
  const critical = queries.getQueryData<FindingsList>(keys.findings({ severity: ['critical'] }));
  expect(all?.pages[0]?.items.map((f) => f.finding_id)).toEqual(['f0003', 'f0002', 'f0001']);
  expect(critical?.pages[0]?.items.map((f) => f.finding_id)).toEqual(['f0003']);
});

test('today counts what happened since midnight, up to its bound', () => {
  const queries = new QueryClient();
  const key = keys.today('2026-11-21T00:00:00.000Z');
  queries.setQueryData(key, { items: [], next_cursor: null });
  applyMessages(queries, [arrives(1, { timestamp: '2026-11-20T23:59:59.999Z' }), arrives(2)]);
  expect(queries.getQueryData(key)).toMatchObject({ items: [{ finding_id: 'f0002' }] });
  applyMessages(
    queries,
    Array.from({ length: limits.findingsCounted + 50 }, (_, n) => arrives(n + 3)),
  );
  expect(queries.getQueryData(key)).toHaveProperty('items.length', limits.findingsCounted);
});

test('nothing is made up for lists that were never fetched', () => {
  const queries = new QueryClient();
  applyMessages(queries, [arrives(1), { type: 'agent.status', cursor: null, agent: anAgent() }]);
  expect(queries.getQueryCache().getAll()).toEqual([]);
});

test('the open finding follows its changes', () => {
  const queries = new QueryClient();
  queries.setQueryData(keys.finding('f0001'), aFinding(1));
  applyMessages(queries, [arrives(1, { status: 'acknowledged' })]);
  expect(queries.getQueryData(keys.finding('f0001'))).toMatchObject({ status: 'acknowledged' });
});

test('the last word of a job reaches itself and its lists', () => {
  const queries = new QueryClient();
  const said = (over: Parameters<typeof aJob>[0]) =>
    ({ type: 'job', cursor: null, job: aJob(over) }) as const;
  const { job_id } = aJob();
  const jobs = (): JobsList => ({
    pages: [{ items: [aJob()], next_cursor: null }],
    pageParams: [null],
  });
  queries.setQueryData(keys.job(job_id), aJob());
  queries.setQueryData(keys.jobsList({}), jobs());
  queries.setQueryData(keys.jobsList({ state: 'running' }), jobs());
  applyMessages(queries, [said({ state: 'paused' }), said({ state: 'cancelled' })]);
  const items = (filter: { state?: 'running' }) =>
    queries.getQueryData<JobsList>(keys.jobsList(filter))?.pages[0]?.items.map((j) => j.state);
  expect(queries.getQueryData(keys.job(job_id))).toMatchObject({ state: 'cancelled' });
  expect(items({})).toEqual(['cancelled']);
  expect(items({ state: 'running' })).toEqual([]);
  applyMessages(queries, [said({ job_id: 'other' })]);
  expect(queries.getQueryData(keys.job('other'))).toBeUndefined();
  // Of two that began at once the higher id comes first.
  expect(items({})).toEqual(['running', 'cancelled']);
});
