/** What follows a commit, and what is said of a database that could not finish. */
import { Type } from '@opmas/protocol';
import { expect, test } from 'vitest';
import type { AuthService } from './features/auth/index.ts';
import { asOpmasError, createInvoke, type InvokeOptions } from './invoke.ts';
import { silentLogger } from './kernel/logger.ts';
import { type Call, type Operation, operation } from './operation.ts';
import type { Database } from './platform/ports.ts';

const invoke = createInvoke({
  database: {
    pool: {},
    transaction: (work: (tx: never) => unknown) => work({} as never),
  } as unknown as Database,
  auth: {} as AuthService,
  audit: { record: async () => undefined } as unknown as InvokeOptions['audit'],
  logger: silentLogger,
  refusals: { note: () => undefined, flush: async () => undefined },
  agentFacts: async () => undefined,
  afterWrite: () => undefined,
  measure: () => undefined,
});

function external(run: (call: Call) => Promise<void>): Operation {
  return operation({
    id: 'test.external',
    summary: '',
    kind: 'unary',
    effect: 'external',
    permission: 'open',
    rest: { method: 'POST', path: '/test', tag: 't' },
    output: Type.Unknown(),
    run: (_, call) => run(call),
  });
}

const call = (run: (call: Call) => Promise<void>) =>
  invoke(external(run), {
    token: undefined,
    params: {},
    input: () => ({ query: {}, body: undefined }),
    remote: '192.0.2.1',
    requestId: 'r1',
  });

test('what was committed has its effects, whatever fails after it', async () => {
  const done: string[] = [];
  const outcome = call(async ({ commit, afterCommit }) => {
    await commit(async () => afterCommit(() => void done.push('told')));
    throw new Error('after the commit');
  });
  await expect(outcome).rejects.toMatchObject({ code: 'OPMAS_INTERNAL' });
  expect(done).toEqual(['told']);
});

test('what was not committed has none', async () => {
  const done: string[] = [];
  const outcome = call(async ({ commit, afterCommit }) => {
    await commit(async () => afterCommit(() => void done.push('first')));
    await commit(async () => {
      afterCommit(() => void done.push('second'));
      throw new Error('before the commit');
    });
  });
  await expect(outcome).rejects.toMatchObject({ code: 'OPMAS_INTERNAL' });
  expect(done).toEqual(['first']);
});

test.each([
  ['40P01', 'OPMAS_UNAVAILABLE', 503],
  ['40001', 'OPMAS_UNAVAILABLE', 503],
  ['55P03', 'OPMAS_UNAVAILABLE', 503],
  ['57014', 'OPMAS_TIMEOUT', 504],
  ['57P01', 'OPMAS_DATABASE_UNAVAILABLE', 503],
  ['22P02', 'OPMAS_INVALID_FORMAT', 400],
  ['42P01', 'OPMAS_INTERNAL', 500],
])('the database says %s: %s', (code, expected, status) => {
  const error = asOpmasError(Object.assign(new Error('of the database'), { code }));
  expect(error).toMatchObject({ code: expected, status });
  expect(error.message).not.toContain('of the database');
});
