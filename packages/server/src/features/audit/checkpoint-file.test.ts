/** The file of checkpoints is read line by line within a bound, whatever stands in it. */
import { createReadStream, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Checkpoint } from '@opmas/keyring';
import { tempDir } from '@opmas/testkit';
import { afterAll, expect, test } from 'vitest';
import { limits } from '../../kernel/limits.ts';
import { boundedLines } from './bounded-lines.ts';
import { checkpointFile } from './checkpoint-file.ts';

const temp = tempDir('checkpoints');
const dir = temp.path;
afterAll(() => temp.remove());

const checkpoint = (seq: number, more: Partial<Checkpoint> = {}): Checkpoint => ({
  chain: 'a'.repeat(64),
  seq,
  hash: 'b'.repeat(64),
  count: seq,
  time: '2026-01-01T00:00:00.000Z',
  key_id: 'k'.repeat(64),
  signature: 's'.repeat(86),
  ...more,
});

async function* chunks(text: string, size: number): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function linesOf(text: string, size: number, maxBytes = 8): Promise<string[]> {
  const lines: string[] = [];
  for await (const line of boundedLines(chunks(text, size), maxBytes)) lines.push(line);
  return lines;
}

test.each([1, 2, 3, 7, 100])(
  'lines are the same however they arrive: %i bytes at once',
  async (n) => {
    const text = 'one\n\ntw\u00f6\r\n12345678\n123456789\nafter\nhalf';
    expect(await linesOf(text, n)).toEqual(['one', '', 'tw\u00f6', '12345678', 'after', 'half']);
  },
);

test('the longest checkpoint that is written fits its bound many times', () => {
  const longest = checkpoint(Number.MAX_SAFE_INTEGER, { time: 't'.repeat(32) });
  expect(JSON.stringify(longest).length).toBeLessThan(512);
  expect(limits.checkpointBytes).toBeGreaterThan(4 * 512);
});

test('a file of some megabytes without an end of line, or full of others, hides no checkpoint', async () => {
  const path = join(dir, 'long.ndjson');
  const rubbish = 'x'.repeat(4 * 1024 * 1024);
  const many = '{"seq": 2}\n'.repeat(100_000);
  const line = (seq: number) => `${JSON.stringify(checkpoint(seq))}\n`;
  writeFileSync(path, `${line(1)}${rubbish}\n${line(2)}${many}${line(3)}${rubbish}`);
  const { between, furthest } = await checkpointFile(path).read(2, 9);
  expect(between).toEqual([checkpoint(2), checkpoint(3)]);
  expect(furthest).toEqual(checkpoint(3));
  // By construction: what is given on is never longer than the bound.
  let longest = 0;
  for await (const each of boundedLines(createReadStream(path), limits.checkpointBytes)) {
    longest = Math.max(longest, each.length);
  }
  expect(longest).toBe(JSON.stringify(checkpoint(1)).length);
});

test('of one link the first lines are heard, however many follow', async () => {
  const path = join(dir, 'same.ndjson');
  const first = checkpoint(5, { key_id: 'first' });
  const others = Array.from({ length: 10_000 }, (_, n) => checkpoint(5, { key_id: `k${n}` }));
  writeFileSync(path, [first, ...others].map((each) => `${JSON.stringify(each)}\n`).join(''));
  const { between } = await checkpointFile(path).read(1, 9);
  expect(between).toHaveLength(limits.checkpointsOfLink);
  expect(between[0]).toEqual(first);
});

test('no file is no checkpoint', async () => {
  const nothing = { between: [], furthest: undefined };
  expect(await checkpointFile(join(dir, 'none')).read(0, 9)).toEqual(nothing);
});
