// A job's message reaches the lists it belongs to, where it belongs.

import type { Job } from '@opmas/protocol';
import { expect, test } from 'vitest';
import { mergeJobs } from './merge.ts';
import { aJob } from './samples.ts';

const at = (n: number, over: Partial<Job> = {}) =>
  aJob({ job_id: `job-${n}`, created_at: `2026-11-21T09:0${n}:00.000Z`, ...over });
const ids = (pages: { items: Job[] }[]) => pages.map(({ items }) => items.map((j) => j.job_id));

test('a known job is replaced where it stands', () => {
  const pages = [
    { items: [at(3), at(2)], next_cursor: 'c' },
    { items: [at(1)], next_cursor: null },
  ];
  const merged = mergeJobs(pages, at(1, { state: 'succeeded' }), {});
  expect(ids(merged)).toEqual([['job-3', 'job-2'], ['job-1']]);
  expect(merged[1]?.items[0]?.state).toBe('succeeded');
});

test('a job that no longer matches the filter leaves, one that begins to match comes', () => {
  const pages = [{ items: [at(2)], next_cursor: null }];
  expect(ids(mergeJobs(pages, at(2, { state: 'paused' }), { state: 'running' }))).toEqual([[]]);
  expect(ids(mergeJobs(pages, at(1), { state: 'running' }))).toEqual([['job-2', 'job-1']]);
  expect(ids(mergeJobs(pages, at(3), { kind: 'action' }))).toEqual([['job-2']]);
});

test('a new job comes first; one of a page not yet asked for waits for it', () => {
  const pages = [{ items: [at(3), at(2)], next_cursor: 'c' }];
  expect(ids(mergeJobs(pages, at(4), {}))).toEqual([['job-4', 'job-3', 'job-2']]);
  expect(ids(mergeJobs(pages, at(1), {}))).toEqual([['job-3', 'job-2']]);
});
