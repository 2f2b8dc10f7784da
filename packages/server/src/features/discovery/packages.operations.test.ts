/** The API of packages, run as the pipeline runs it. */
import { AgentPackage, check, Page } from '@opmas/protocol';
import { waitFor } from '@opmas/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AfterCommit, Call } from '../../operation.ts';
import { packagesOperations } from '../packages/index.ts';
import { type Bench, discoveryBench, packageFiles } from './testing.ts';

let bench: Bench;
beforeAll(async () => {
  bench = await discoveryBench();
  for (const letter of ['a', 'b', 'c'])
    bench.write(packageFiles(`${letter}_agent`, { name: letter }));
  bench.write(packageFiles('bad_agent', { version: 'x' }));
  await bench.start({ approval: 'manual' });
  await waitFor(async () => (await listed({})).length === 4);
});
afterAll(() => bench.stop());

interface Outcome {
  answer: unknown;
  audited: unknown[];
}

async function run(id: string, input: object): Promise<Outcome> {
  const found = packagesOperations(bench.discovery).find((one) => one.id === id);
  if (found === undefined) throw new Error(`no operation ${id}`);
  const effects: AfterCommit[] = [];
  const audited: unknown[] = [];
  const answer = await bench.database.transaction((tx) => {
    const call: Call = {
      caller: { kind: 'user', id: 'u', name: 'alice', roles: ['admin'], grants: [] },
      requestId: 'r',
      remote: '127.0.0.1',
      reach: 'all',
      db: tx,
      afterCommit: (effect) => void effects.push(effect),
      commit: (work) => work(tx),
      audit: (fields) => audited.push(fields),
    };
    return found.run({ params: {}, query: {}, body: undefined, ...input } as never, call);
  });
  for (const effect of effects) await effect();
  return { answer, audited };
}

async function listed(query: object): Promise<AgentPackage[]> {
  const { answer } = await run('packages.list', { query });
  if (!check(Page(AgentPackage), answer)) throw new Error(JSON.stringify(answer));
  return answer.items;
}

test('the list is filtered by state and paged in order', async () => {
  expect((await listed({ state: 'invalid' })).map((one) => one.errors[0]?.code)).toEqual([
    'invalid_version',
  ]);
  const names: string[] = [];
  let cursor: string | null | undefined;
  do {
    const query = { limit: 2, ...(cursor ? { cursor } : {}) };
    const { answer } = await run('packages.list', { query });
    if (!check(Page(AgentPackage), answer)) throw new Error('no page');
    names.push(...answer.items.map((one) => one.path.split('/').at(-1) ?? ''));
    cursor = answer.next_cursor;
  } while (cursor !== null);
  expect(names).toEqual(['a_agent', 'b_agent', 'bad_agent', 'c_agent']);
});

test('a cursor of another list is refused', async () => {
  await expect(run('packages.list', { query: { cursor: 'e30' } })).rejects.toMatchObject({
    code: 'OPMAS_INVALID_REQUEST',
  });
});

test('approving answers the package, audits who and what, and starts it', async () => {
  const { answer, audited } = await run('packages.approve', { params: { name: 'a' } });
  expect(answer).toMatchObject({ name: 'a', state: 'valid', version: '1.0.0' });
  expect(audited).toMatchObject([{ details: { name: 'a', version: '1.0.0' } }]);
  await waitFor(() => bench.heard.includes('ready a_agent 1.0.0'));
  expect(bench.ready.at(-1)?.approvedBy).toBe('alice');
});

test('rejecting twice is the same as once', async () => {
  for (let i = 0; i < 2; i += 1) {
    const { answer } = await run('packages.reject', { params: { name: 'b_agent' } });
    expect(answer).toMatchObject({ name: 'b', state: 'ignored' });
  }
});

test('approvals at the same time agree', async () => {
  const answers = await Promise.all(
    [1, 2, 3, 4].map(() => run('packages.approve', { params: { name: 'c_agent' } })),
  );
  for (const { answer } of answers) expect(answer).toMatchObject({ name: 'c' });
  await waitFor(() => bench.heard.filter((line) => line === 'ready c_agent 1.0.0').length === 1);
});

test.each(['packages.approve', 'packages.reject'])('%s of what is not there is 404', async (id) => {
  await expect(run(id, { params: { name: 'nobody' } })).rejects.toMatchObject({
    code: 'OPMAS_PACKAGE_NOT_FOUND',
    status: 404,
  });
});

test('a scan is scheduled', async () => {
  expect((await run('packages.scan', {})).answer).toEqual({ state: 'scheduled' });
});
