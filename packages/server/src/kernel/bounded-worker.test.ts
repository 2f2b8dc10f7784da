/** A thread that dies, whenever it does, costs one question at the most. */
import { afterEach, expect, test } from 'vitest';
import { boundedWorker } from './bounded-worker.ts';

/** Says which thread answered; after `die` it throws once the answer was heard. */
const SCRIPT = `import { parentPort, threadId } from 'node:worker_threads';
parentPort.on('message', (question) => {
  if (question === 'hang') for (;;);
  parentPort.postMessage(threadId);
  if (question === 'die') setTimeout(() => { throw new Error('nobody listens'); }, 20);
});`;
const worker = boundedWorker<string, number>({
  script: new URL(`data:text/javascript,${encodeURIComponent(SCRIPT)}`),
  timeoutMs: 2_000,
  memoryMb: 64,
});
afterEach(() => worker.rest());

test('one thread answers all questions', async () => {
  const first = await worker.ask('who');
  expect(first).toMatchObject({ lost: false });
  expect(await worker.ask('who')).toEqual(first);
});

test('a thread that dies while nobody asks is replaced, and ends nothing else', async () => {
  const died = new Promise<void>((resolve) => {
    process.once('worker', (thread) => thread.once('exit', () => resolve()));
  });
  const first = await worker.ask('die');
  await died;
  const next = await worker.ask('who');
  expect(next).toMatchObject({ lost: false });
  expect(next).not.toEqual(first);
});

test('a question that is never answered is lost, and the next one is not', async () => {
  expect(await worker.ask('hang')).toMatchObject({ lost: true });
  expect(await worker.ask('who')).toMatchObject({ lost: false });
});
