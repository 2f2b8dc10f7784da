/** A routing file may come, change, break and go while lines flow. */
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { followRouting } from './routing-file.ts';
import type { RoutingFault } from './routing-rules.ts';

it('follows the file, and keeps the last good rules when it breaks', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'opmas-routing-'));
  onTestFinished(() => rm(dir, { recursive: true }));
  const path = join(dir, 'routing.json');
  const faults: RoutingFault[] = [];
  const router = await followRouting({
    path,
    intervalMs: 60_000,
    onFault: (errors) => faults.push(...errors),
  });
  onTestFinished(() => router.stop());
  const domain = () => router.domainOf({ program: 'asterisk', message: '' });
  const write = async (text: string) => {
    await writeFile(`${path}.new`, text);
    await rename(`${path}.new`, path);
    await router.check();
  };
  expect(domain()).toBe('system');
  await write('[{"program":"asterisk","domain":"voip"}]');
  expect(domain()).toBe('voip');
  await write('[{"program":"asterisk"}]');
  expect(domain()).toBe('voip');
  expect(faults).toEqual([{ index: 0, message: 'domain: must be 1 to 64 of A-Z a-z 0-9 _ -' }]);
  await write(`[${' '.repeat(300_000)}]`);
  expect(faults.at(-1)?.message).toMatch(/is 300002 bytes; at most 262144/);
  await write('[{"program":"asterisk","domain":"phones"}]');
  expect(domain()).toBe('phones');
  await rm(path);
  await router.check();
  expect(domain()).toBe('system');
  expect(faults).toHaveLength(2);
});
