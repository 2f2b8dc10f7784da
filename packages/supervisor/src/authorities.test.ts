/** The authorities reach every agent, also those that run, and nothing but the agents' own copies is touched. */
import {
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type TempDir, tempDir, waitFor } from '@opmas/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Authorities, authoritiesOfAgents } from './authorities.ts';
import type { Runner, StartSpec } from './runner.ts';

let dir: TempDir;
let source: string;
let stateDir: string;
let made: Authorities | undefined;
const log = { info: () => undefined, warn: () => undefined };

beforeEach(() => {
  dir = tempDir('authorities');
  source = join(dir.path, 'authorities.crt');
  stateDir = join(dir.path, 'agents');
  mkdirSync(join(stateDir, 'wifi-1'), { recursive: true });
  writeFileSync(source, 'one');
});
afterEach(() => {
  made?.close();
  dir.remove();
});

const copyOf = (agent: string) => join(stateDir, agent, 'ca.crt');
const start = (given: string | undefined) =>
  (made = authoritiesOfAgents({ source: given, stateDir, log, pollMs: 20 }));

describe('the authorities of agents', () => {
  it('are handed to those that have a folder, and to each that starts', async () => {
    const started: string[] = [];
    const runner = {
      start: async (spec: StartSpec) => {
        started.push(readFileSync(join(spec.state_dir, 'ca.crt'), 'utf8'));
      },
    } as unknown as Runner;
    const given = start(source).given(runner);
    expect(readFileSync(copyOf('wifi-1'), 'utf8')).toBe('one');
    expect(statSync(copyOf('wifi-1')).mode & 0o077).toBe(0);
    const spec = { state_dir: join(stateDir, 'new-1') } as StartSpec;
    await given.start(spec, () => Promise.resolve());
    expect(started).toEqual(['one']);
  });

  it('change under running agents when they change', async () => {
    start(source);
    writeFileSync(source, 'one, two');
    await waitFor(() => readFileSync(copyOf('wifi-1'), 'utf8') === 'one, two');
  });

  it('stay as they are while the source cannot be looked at', async () => {
    const warned: unknown[] = [];
    made = authoritiesOfAgents({
      source,
      stateDir,
      log: { info: () => undefined, warn: (data) => void warned.push(data) },
      pollMs: 20,
    });
    rmSync(source);
    symlinkSync(source, source);
    await waitFor(() => warned.length > 0);
    expect(readFileSync(copyOf('wifi-1'), 'utf8')).toBe('one');
    rmSync(source);
    writeFileSync(source, 'three');
    await waitFor(() => readFileSync(copyOf('wifi-1'), 'utf8') === 'three');
    expect(warned).toHaveLength(1);
  });

  it('are taken away where there are none any more', () => {
    start(source);
    made?.close();
    start(undefined);
    expect(existsSync(copyOf('wifi-1'))).toBe(false);
  });

  it('X2 a link an agent put in their place is replaced, and what it points at stays', () => {
    const key = join(dir.path, 'master.key');
    writeFileSync(key, 'secret');
    symlinkSync(key, copyOf('wifi-1'));
    start(source);
    expect(readFileSync(key, 'utf8')).toBe('secret');
    expect(readFileSync(copyOf('wifi-1'), 'utf8')).toBe('one');
  });
});
