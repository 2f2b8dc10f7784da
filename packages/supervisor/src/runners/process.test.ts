/** Pins the process runner by itself: start, find again, stop, tell. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TempDir, tempDir, waitFor } from '@opmas/testkit';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Handle } from '../instance.ts';
import type { StartSpec } from '../runner.ts';
import { processRunner } from './process.ts';
import { processTable } from './process-table.ts';

let dir: TempDir;
let spec: StartSpec;
let script: string;
const ends: (() => Promise<void> | void)[] = [];

beforeEach(() => {
  dir = tempDir('runner');
  script = join(dir.path, 'run.mjs');
  const state_dir = join(dir.path, 'agents', 'wifi-1');
  mkdirSync(state_dir, { recursive: true });
  spec = {
    agent_id: 'wifi-1',
    agent_name: 'wifi',
    instance_id: 'i-1',
    package_dir: dir.path,
    state_dir,
    log_file: join(dir.path, 'logs', 'wifi.log'),
    env: { OPMAS_INSTANCE_ID: 'i-1' },
    limits: {},
  };
});
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  dir.remove();
});

const stop = { signal: 'SIGTERM', graceMs: 2_000 } as const;

function newRunner(node?: string) {
  const runner = processRunner({
    runnerScript: script,
    stateDir: join(dir.path, 'agents'),
    timing: { adoptPollMs: 10, killMs: 2_000 },
    ...(node === undefined ? {} : { node }),
  });
  ends.push(() => runner.close());
  return runner;
}

/** Starts the script and returns every handle that was saved, in order. */
async function start(runner: ReturnType<typeof newRunner>, body: string): Promise<Handle[]> {
  writeFileSync(script, body);
  const saved: Handle[] = [];
  await runner.start(spec, (handle) => {
    saved.push(handle);
    return Promise.resolve();
  });
  const last = saved.at(-1);
  if (last !== undefined) ends.push(async () => void (await runner.stop(last, stop)));
  return saved;
}

describe('process runner', () => {
  it('saves a handle before anything runs and again when the process is known', async () => {
    const saved = await start(newRunner(), 'setInterval(() => {}, 1000)');
    expect(saved).toEqual([
      expect.objectContaining({ instance_id: 'i-1', pid: null, start_time: null }),
      expect.objectContaining({ instance_id: 'i-1', pid: expect.any(Number) }),
    ]);
    expect(JSON.parse(JSON.stringify(saved))).toEqual(saved);
  });

  it('starts nothing when the handle cannot be saved', async () => {
    writeFileSync(script, 'setInterval(() => {}, 1000)');
    const full = () => Promise.reject(new Error('disk full'));
    await expect(newRunner().start(spec, full)).rejects.toThrow('disk full');
    expect(processTable().ours(join(dir.path, 'agents'))).toEqual([]);
  });

  it('says why a process could not be started', async () => {
    const runner = newRunner('/no/such/node');
    await expect(start(runner, '')).rejects.toThrow(/could not be started: .*ENOENT/);
  });

  it('tells the exit code of its child, and only that it ended of an adopted process', async () => {
    const runner = newRunner();
    const next = newRunner();
    const [, handle] = await start(
      runner,
      'process.on("SIGTERM", () => process.exit(7)); setInterval(() => {}, 1000); console.log("up")',
    );
    if (handle === undefined) throw new Error('no handle');
    await waitFor(async () => (await runner.logs(spec, { tail: 5 })).includes('up'));
    const told: unknown[] = [];
    runner.events((event) => told.push({ by: 'parent', ...event.exit }));
    next.events((event) => told.push({ by: 'adopter', ...event.exit }));
    expect(await next.recover(handle)).toEqual(handle);
    expect(await next.stop(handle, stop)).toBe(true);
    await waitFor(() => told.length === 2);
    expect(told).toContainEqual({ by: 'parent', code: 7, signal: null });
    expect(told).toContainEqual({ by: 'adopter', code: null, signal: null });
    expect(await next.recover(handle)).toBeUndefined();
  });

  it('tells the usage of what runs', async () => {
    const runner = newRunner();
    const [, handle] = await start(runner, 'setInterval(() => {}, 1000)');
    if (handle === undefined) throw new Error('no handle');
    const usage = await waitFor(() =>
      runner.stats([handle]).find((one) => one.rss_bytes > 10_000_000 && one.cpu_seconds > 0),
    );
    expect(usage.instance_id).toBe('i-1');
    await runner.stop(handle, stop);
    expect(runner.stats([handle])).toEqual([]);
  });

  it('never takes a process that does not match every part of the handle', async () => {
    const runner = newRunner();
    const [, handle] = await start(runner, 'setInterval(() => {}, 1000)');
    if (handle === undefined) throw new Error('no handle');
    const other = newRunner();
    for (const wrong of [
      { boot_id: 'another' },
      { start_time: '1' },
      { instance_id: 'i-2' },
      { pid: 1 },
      { pid: process.pid },
      { runner: 'kubernetes' },
    ]) {
      expect(await other.recover({ ...handle, ...wrong })).toBeUndefined();
    }
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.string(), fc.jsonValue()), async (rubbish) => {
        const given = { ...rubbish, runner: 'process', instance_id: 'x' };
        return (await other.recover(given)) === undefined;
      }),
    );
    expect(await other.recover(handle)).toEqual(handle);
  });
});
