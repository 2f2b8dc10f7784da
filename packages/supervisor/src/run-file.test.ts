/** Pins the host's memory. */
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newRecord } from './instance.ts';
import { loadRunFile, type RunState, runFile } from './run-file.ts';

let dir: string;
let path: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'opmas run '));
  path = join(dir, 'host.json');
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const record = newRecord({
  agent_id: 'wifi-1',
  agent_name: 'wifi',
  agent_type: 'wifi',
  version: '1.0.0',
  desired: 'running',
  generation: 1,
  package_dir: '/p',
  package_digest: 'a'.repeat(64),
  entry: 'code',
  limits: {},
});
const stateOf = (restarts: number): RunState => ({
  version: 1,
  host_id: 'local',
  boot_id: 'b',
  agents: { 'wifi-1': { ...record, restarts } },
});

describe('run file', () => {
  it('gives back what was saved', async () => {
    expect(await loadRunFile(path, 'local')).toEqual({ kind: 'none' });
    await runFile(path, () => stateOf(3)).save();
    expect(await loadRunFile(path, 'local')).toEqual({ kind: 'loaded', state: stateOf(3) });
  });

  it('has on disk what was there at the time of each save, under many at once', async () => {
    let restarts = 0;
    const file = runFile(path, () => stateOf(restarts));
    const saves = Array.from({ length: 50 }, async (_, n) => {
      restarts = n;
      await file.save();
      const loaded = await loadRunFile(path, 'local');
      return loaded.kind === 'loaded' ? loaded.state.agents['wifi-1']?.restarts : undefined;
    });
    expect((await Promise.all(saves)).every((seen, n) => seen !== undefined && seen >= n)).toBe(
      true,
    );
    expect(await readdir(dir)).toEqual(['host.json']);
  });

  it.each([
    ['no JSON', '{"version":1'],
    ['another shape', '{"version":1,"host_id":"local","boot_id":"b","agents":{"x":{}}}'],
    ['another host', JSON.stringify({ ...stateOf(0), host_id: 'other' })],
  ])('sets aside %s and says why', async (_, text) => {
    await writeFile(path, text);
    const loaded = await loadRunFile(path, 'local');
    expect(loaded).toMatchObject({ kind: 'bad', kept: `${path}.bad` });
    expect(await readFile(`${path}.bad`, 'utf8')).toBe(text);
    expect(await loadRunFile(path, 'local')).toEqual({ kind: 'none' });
  });
});
