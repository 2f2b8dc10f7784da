/** SEC (Simple Event Correlator) looking for the same rules in the same lines, writing what it finds to a file. */
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { tempDir } from '@opmas/testkit';
import { limits } from '../../limits.ts';
import { LineStream } from '../lines.ts';
import type { SampledRule } from '../rules.ts';
import { rateOrReason, unpack } from './unpack.ts';

const run = promisify(execFile);

export function detectionRate(
  rules: readonly SampledRule[],
): Promise<{ value: number | undefined; note: string }> {
  return rateOrReason(async () => {
    const dir = tempDir('bench-peer');
    try {
      await unpack(['sec'], dir.path);
      return await measure(dir.path, rules);
    } finally {
      dir.remove();
    }
  });
}

async function measure(dir: string, rules: readonly SampledRule[]) {
  const config = join(dir, 'bench.sec');
  const found = join(dir, 'found');
  writeFileSync(config, rules.map(({ rule }) => secRule(rule, found)).join('\n'));
  const stream = new LineStream(rules, 1);
  const chunks: Buffer[] = [];
  while (stream.lines < limits.slowPeerLines) chunks.push(stream.chunk());
  const input = join(dir, 'input.log');
  const empty = join(dir, 'empty.log');
  writeFileSync(input, Buffer.concat(chunks));
  writeFileSync(empty, '');
  const idle = await secondsOf(dir, config, empty);
  const seconds = (await secondsOf(dir, config, input)) - idle;
  const lines = readFileSync(found, 'utf8').trim().split('\n').length;
  if (lines !== stream.marked) throw new Error(`SEC found ${lines} of ${stream.marked}`);
  return {
    value: stream.lines / seconds,
    note: `${stream.lines} lines of a file, its start taken off`,
  };
}

async function secondsOf(dir: string, config: string, input: string): Promise<number> {
  const sec = join(dir, 'usr', 'bin', 'sec');
  const args = [
    sec,
    `--conf=${config}`,
    `--input=${input}`,
    '--notail',
    '--quoting',
    '--log=/dev/null',
  ];
  const began = performance.now();
  await run('perl', args, { timeout: limits.peerMs, maxBuffer: 64 * 1024 * 1024 });
  return (performance.now() - began) / 1000;
}

function secRule({ id, kind, pattern }: SampledRule['rule'], found: string): string {
  const type = kind === 'regex' ? 'RegExp' : 'SubStr';
  return `type=Single\ncontinue=TakeNext\nptype=${type}\npattern=${pattern}\ndesc=${id}\naction=write ${found} $0\n`;
}
