/** What is asked of the server before a start, and what becomes of it when the package decides otherwise. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { digestOf, readTree } from '@opmas/keyring';
import type { DesiredAgent, LaunchTicket } from '@opmas/protocol';
import { type TempDir, tempDir } from '@opmas/testkit';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { prepareLaunch } from './launch.ts';

const TIMES = { launchMs: 1_000, relaunchMs: 1_000, stopGraceMs: 1_000 };
let dir: TempDir;
let packageDir: string;
const unhandled: unknown[] = [];
const note = (reason: unknown) => void unhandled.push(reason);
beforeEach(() => {
  dir = tempDir('launch');
  packageDir = join(dir.path, 'package');
  mkdirSync(packageDir);
  writeFileSync(join(packageDir, 'agent.ts'), '!');
  chmodSync(join(packageDir, 'agent.ts'), 0o400);
  unhandled.length = 0;
  process.on('unhandledRejection', note);
});
afterEach(() => {
  process.off('unhandledRejection', note);
  dir.remove();
});

const failing = (): Promise<LaunchTicket | undefined> =>
  Promise.reject(new Error('no link at all'));

async function prepared(digest: string, ask = failing) {
  const desired: DesiredAgent = {
    agent_id: 'wifi-1',
    agent_name: 'wifi',
    agent_type: 'wifi',
    version: '1.0.0',
    entry: 'code',
    desired: 'running',
    generation: 1,
    package_dir: packageDir,
    package_digest: digest,
    limits: {},
  };
  const result = await prepareLaunch({
    desired,
    files: {
      stateDir: join(dir.path, 'state'),
      logFile: join(dir.path, 'wifi.log'),
    },
    instanceId: 'i-1',
    kept: null,
    link: { isUp: () => true, requestLaunch: ask },
    times: TIMES,
  }).catch((error: unknown) => String(error));
  // A rejection that nobody takes is told of once the microtasks are done.
  await new Promise((resolve) => setImmediate(resolve));
  return result;
}

describe('a launch whose question fails', () => {
  it("is refused for the altered package, and the failure is nobody else's", async () => {
    expect(await prepared('another digest')).toMatchObject({ kind: 'altered' });
    expect(unhandled).toEqual([]);
  });

  it('fails with that failure when the package is as approved', async () => {
    const digest = digestOf(await readTree(packageDir));
    expect(await prepared(digest)).toContain('no link at all');
  });
});
