/**
 * grep and ripgrep looking for the substring rules in a file. They do less than we: any match, no rule ids, no
 * expressions; their start and the reading of the file are in the time.
 */
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { rateOrReason, unpack } from '../lib/peers/unpack.ts';
import { type RouterRule, routerLines } from '../lib/router-pack.ts';
import { limits } from '../limits.ts';

const run = promisify(execFile);

type Rate = Awaited<ReturnType<typeof rateOrReason>>;

export async function searchers(
  dir: string,
  rules: readonly RouterRule[],
): Promise<Record<'grep -F -f' | 'ripgrep -F -f', Rate>> {
  const plain = rules.filter(({ rule }) => rule.kind === 'substring');
  const patterns = join(dir, 'patterns');
  const data = join(dir, 'searched');
  writeFileSync(patterns, `${plain.map(({ rule }) => rule.pattern).join('\n')}\n`);
  writeFileSync(data, routerLines(rules, limits.ruleLines));
  const rate = (program: string, more: readonly string[]) =>
    rateOrReason(async () => {
      const began = performance.now();
      const { stdout } = await run(program, [...more, '-c', '-F', '-f', patterns, data], {
        timeout: limits.peerMs,
        env: { LC_ALL: 'C', PATH: '/usr/bin:/bin' },
      });
      const seconds = (performance.now() - began) / 1000;
      const found = Number(stdout.trim());
      if (!(found > 0)) throw new Error(`${program} found ${stdout}`);
      return {
        value: limits.ruleLines / seconds,
        note: `${plain.length} substring rules, any match, with its start`,
      };
    });
  const ripgrep = await rateOrReason(async () => {
    await unpack(['ripgrep'], dir);
    return { value: 0, note: '' };
  });
  return {
    'grep -F -f': await rate('grep', []),
    'ripgrep -F -f':
      ripgrep.value === undefined
        ? ripgrep
        : await rate(join(dir, 'usr', 'bin', 'rg'), ['-j1', '--no-config']),
  };
}
