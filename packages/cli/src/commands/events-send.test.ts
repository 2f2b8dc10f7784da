/** Handing in events: every line counted, in bodies the server takes. */
import { writeFileSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { EXIT } from '../exit-codes.ts';
import { type Bench, bench, problem } from '../testing/bench.ts';

let open: Bench;
afterEach(() => open.stop());

/** A server that rejects events without a message, as the real one does. */
async function serve(): Promise<Bench> {
  open = await bench(({ body }) => {
    const lines = body.trimEnd().split('\n');
    const rejected = lines.flatMap((line, index) =>
      line.includes('"message"') ? [] : [{ index, error: 'missing message' }],
    );
    if (rejected.length < lines.length) {
      return { status: 202, body: { accepted: lines.length - rejected.length, rejected } };
    }
    const { body: answer } = problem(400, 'OPMAS_EVENTS_REJECTED', 'none');
    const errors = rejected
      .slice(0, 100)
      .map(({ index, error }) => ({ path: String(index), message: error }));
    return { status: 400, body: Object.assign({}, answer, { errors }) };
  });
  return open;
}

test('words are one message, with program and domain', async () => {
  const { run, asked } = await serve();
  const outcome = await run([
    'events',
    'send',
    '-p',
    'dropbear',
    '-d',
    'security',
    'Bad',
    'password',
  ]);
  expect(outcome).toMatchObject({ code: EXIT.ok, out: '1 accepted, 0 rejected' });
  expect(asked[0]?.query.get('domain')).toBe('security');
  expect(JSON.parse(asked[0]?.body ?? '')).toEqual({
    message: 'Bad password',
    program: 'dropbear',
  });
});

test('a large file goes in several bodies, and an index is that of the file', async () => {
  const { run, asked, home } = await serve();
  const lines = Array.from({ length: 12_000 }, (_, i) =>
    i === 11_000 ? '{"x":1}' : `{"message":"m${i}"}`,
  );
  writeFileSync(`${home}/events.ndjson`, lines.join('\n'));
  const outcome = await run(['events', 'send', '-f', 'events.ndjson', '--json']);
  expect(outcome.code).toBe(EXIT.partial);
  expect(outcome.json()).toEqual({
    accepted: 11_999,
    rejected: [{ index: 11_000, error: 'missing message' }],
  });
  expect(asked.map(({ body }) => body.trimEnd().split('\n').length)).toEqual([5_000, 5_000, 2_000]);
});

test('a JSON array on stdin, over several lines', async () => {
  const { run, asked } = await serve();
  const stdin = JSON.stringify([{ message: 'a' }, { message: 'b' }], null, 2);
  expect((await run(['events', 'send', '-f', '-'], { stdin })).code).toBe(EXIT.ok);
  expect(asked[0]?.body).toBe('{"message":"a"}\n{"message":"b"}\n');
});

test('all rejected is a failure that counts every one', async () => {
  const { run } = await serve();
  const stdin = '{"x":1}\n'.repeat(150);
  const outcome = await run(['events', 'send', '-f', '-'], { stdin });
  expect(outcome).toMatchObject({ code: EXIT.failed, out: '0 accepted, 150 rejected' });
});

test('a file that is not there is said, and nothing is sent', async () => {
  const { run, asked } = await serve();
  const outcome = await run(['events', 'send', '-f', 'nosuch.ndjson']);
  expect(outcome.code).toBe(EXIT.failed);
  expect(outcome.err).toContain('nosuch.ndjson');
  expect(asked).toEqual([]);
});
