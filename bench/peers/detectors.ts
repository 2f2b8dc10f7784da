/** SEC and fail2ban-regex on the same rules, on fewer lines: they try rule after rule. */
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { rateOrReason, unpack } from '../lib/peers/unpack.ts';
import { type RouterRule, routerLines } from '../lib/router-pack.ts';
import { limits } from '../limits.ts';

const run = promisify(execFile);
const LINES = limits.slowPeerLines / 2;

type Rate = Awaited<ReturnType<typeof rateOrReason>>;

export async function detectors(
  dir: string,
  rules: readonly RouterRule[],
): Promise<Record<'SEC' | 'fail2ban-regex', Rate>> {
  const lines = join(dir, 'detected');
  const none = join(dir, 'nothing');
  writeFileSync(lines, routerLines(rules, LINES));
  writeFileSync(none, '');
  return {
    SEC: await rateOrReason(() => sec(dir, rules, lines, none)),
    'fail2ban-regex': await rateOrReason(() => fail2ban(dir, rules, lines, none)),
  };
}

async function sec(dir: string, rules: readonly RouterRule[], lines: string, none: string) {
  await unpack(['sec'], dir);
  const found = join(dir, 'found');
  const config = join(dir, 'rules.sec');
  const written = rules.map(
    ({ rule: { id, kind, pattern } }) =>
      `type=Single\ncontinue=TakeNext\nptype=${kind === 'regex' ? 'RegExp' : 'SubStr'}\npattern=${pattern}\ndesc=${id}\naction=write ${found} $0\n`,
  );
  writeFileSync(config, written.join('\n'));
  const timed = (input: string) =>
    seconds('perl', [
      join(dir, 'usr', 'bin', 'sec'),
      `--conf=${config}`,
      `--input=${input}`,
      '--notail',
      '--quoting',
      '--log=/dev/null',
    ]);
  const idle = await timed(none);
  const taken = (await timed(lines)).seconds - idle.seconds;
  if (readFileSync(found, 'utf8').trim() === '') throw new Error('SEC found nothing');
  return { value: LINES / taken, note: `${LINES} lines of a file, its start taken off` };
}

async function fail2ban(dir: string, rules: readonly RouterRule[], lines: string, none: string) {
  await unpack(['fail2ban'], dir);
  const config = join(dir, 'rules.conf');
  const expressions = rules.map(({ rule: { kind, pattern } }) => {
    const source = kind === 'regex' ? pattern : pattern.replaceAll(/[^A-Za-z0-9]/g, '\\$&');
    return `<F-ID>${source.replaceAll('%', '%%')}</F-ID>`;
  });
  writeFileSync(config, `[Definition]\nfailregex = ${expressions.join('\n            ')}\n`);
  const program = join(dir, 'usr', 'bin', 'fail2ban-regex');
  const timed = (input: string) =>
    seconds('python3', [program, '--no-check-all', input, config], {
      PYTHONPATH: join(dir, 'usr', 'lib', 'python3', 'dist-packages'),
    });
  const idle = await timed(none);
  const whole = await timed(lines);
  if (!/Failregex: [1-9][0-9]* total/.test(whole.output)) {
    throw new Error(`fail2ban-regex found nothing: ${whole.output.slice(-200)}`);
  }
  const taken = whole.seconds - idle.seconds;
  return {
    value: LINES / taken,
    note: `${LINES} lines of a file, first match alone, reads dates too, its start taken off`,
  };
}

async function seconds(
  program: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<{ seconds: number; output: string }> {
  const began = performance.now();
  const { stdout } = await run(program, [...args], {
    timeout: limits.peerMs,
    maxBuffer: 64 * 1024 * 1024,
    env: { PATH: '/usr/bin:/bin', ...env },
  });
  return { seconds: (performance.now() - began) / 1000, output: stdout };
}
