/** Rules of other programs become a rules.json that compiles, without a server. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compileRules } from '@opmas/rules';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { EXIT } from '../exit-codes.ts';
import { type Bench, bench } from '../testing/bench.ts';

let it: Bench;
beforeEach(async () => {
  it = await bench(() => ({ status: 500 }));
});
afterEach(() => it.stop());

const SIGMA = `title: Corrupted MAC
level: high
logsource: { product: linux, service: sshd }
detection:
  keywords: ['*Corrupted MAC*']
  condition: keywords
`;
const COUNTING = `title: Counting
detection:
  a: [x]
  condition: a | count() > 3
`;

test('a folder of Sigma rules: what compiles is printed, what is refused is said for each', async () => {
  const folder = join(it.home, 'sigma');
  mkdirSync(join(folder, 'deeper'), { recursive: true });
  writeFileSync(join(folder, 'a.yml'), `${SIGMA}---\n${SIGMA}`);
  writeFileSync(join(folder, 'deeper', 'b.yaml'), COUNTING);
  writeFileSync(join(folder, 'deeper', 'broken.yml'), 'title: [');
  writeFileSync(join(folder, 'readme.md'), 'no rule');
  const outcome = await it.run(['rules', 'import', 'sigma', folder]);
  expect(outcome.code).toBe(EXIT.partial);
  const rules = outcome.json<{ id: string }[]>();
  expect(rules.map(({ id }) => id)).toEqual(['sigma-corrupted-mac', 'sigma-corrupted-mac-2']);
  expect(compileRules(rules)).toMatchObject({ ok: true });
  expect(outcome.err).toMatch(/b\.yaml: counting over time/);
  expect(outcome.err).toMatch(/broken\.yml: /);
  expect(it.asked).toEqual([]);
});

test('a fail2ban filter is written to a file, and never over one', async () => {
  const filter = join(it.home, 'door.conf');
  writeFileSync(filter, '[Definition]\nfailregex = ^refused <HOST>$\n');
  const target = join(it.home, 'rules.json');
  const args = ['rules', 'import', 'fail2ban', filter, '--out', target];
  expect((await it.run(args)).code).toBe(EXIT.ok);
  expect(JSON.parse(readFileSync(target, 'utf8'))).toMatchObject([{ id: 'fail2ban-door-1' }]);
  expect((await it.run(args)).code).toBe(EXIT.usage);
});

test('an unknown format, a missing file and a filter without rules are told apart', async () => {
  expect((await it.run(['rules', 'import', 'snort', 'x'])).code).toBe(EXIT.usage);
  expect((await it.run(['rules', 'import', 'sigma', join(it.home, 'none')])).code).toBe(
    EXIT.notFound,
  );
  const bare = join(it.home, 'bare.conf');
  writeFileSync(bare, '[Definition]\n');
  expect((await it.run(['rules', 'import', 'fail2ban', bare])).code).toBe(EXIT.failed);
});
