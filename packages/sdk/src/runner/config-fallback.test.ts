/** Real processes: a configuration that ends its agent is given up, and a changed cache is not believed. */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { waitFor } from '@opmas/testkit';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { configHash } from '../config.ts';
import { writeKept } from '../runtime/kept-configs.ts';
import { StateFolder } from '../runtime/state-folder.ts';
import { World } from '../test/world.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 60_000 });

let world: World;
beforeEach(async () => {
  world = await World.start();
});
afterEach(() => world.stop());

const LONG = { timeoutMs: 30_000 };
const FRAGILE = `
  import { BaseAgent } from '@opmas/sdk';
  export default class Fragile extends BaseAgent {
    override async configChanged() {
      if (this.config.get('explode') === true) setTimeout(() => process.exit(3), 50);
    }
  }`;

const keptFile = () => join(world.stateDir, 'config.json');
const kept = () =>
  JSON.parse(readFileSync(keptFile(), 'utf8')) as {
    current: { hash: string; healthy: boolean; config: { explode?: boolean } };
    failed: { hash: string }[];
  };

test('one that crashes the agent again and again is given up; it says so and works on with the last good one', async () => {
  const dir = world.package({ 'agent.ts': FRAGILE });
  const heartbeats = world.collect('opmas.heartbeat.*');
  const statuses = world.collect('opmas.status.*');
  const first = world.launch(dir, { token: world.newToken() });
  await waitFor(() => heartbeats.length > 0, LONG);
  await waitFor(() => kept().current.healthy, { ...LONG, what: `proof: ${first.log()}` });
  expect(statSync(keptFile()).mode & 0o777).toBe(0o600);
  const good = kept().current.hash;

  world.config = { explode: true };
  world.version = 2;
  await world.command({ command: 'update_config' });
  expect(await first.exited()).toBe(3);
  // It is started again, as its host would; the server offers the same each time.
  for (let start = 0; start < 2; start += 1) expect(await world.launch(dir).exited()).toBe(3);
  heartbeats.length = 0;
  const last = world.launch(dir);
  await waitFor(() => heartbeats.some((beat) => beat['config_hash'] === good), {
    ...LONG,
    what: `the last good one: ${last.log()}`,
  });
  const bad = kept().failed[0]?.hash;
  expect(bad).toBeDefined();
  await waitFor(
    () =>
      statuses.some((status) => {
        const config = status['config'] as { running_hash: string; attempted_hash: string };
        return config.running_hash === good && config.attempted_hash === bad;
      }),
    { ...LONG, what: 'a status that names both' },
  );
  expect(await world.command({ command: 'health' })).toMatchObject({ ok: true });
});

test('one with which the agent’s own start fails again and again is given up too', async () => {
  const dir = world.package({
    'agent.ts': `
      import { BaseAgent } from '@opmas/sdk';
      export default class Fragile extends BaseAgent {
        override async start() {
          await super.start();
          if (this.config.get('explode') === true) throw new Error('no start with this');
        }
      }`,
  });
  const heartbeats = world.collect('opmas.heartbeat.*');
  const first = world.launch(dir, { token: world.newToken() });
  await waitFor(() => heartbeats.length > 0, LONG);
  first.child.kill('SIGKILL');
  await first.exited();
  // As it is when the good one has proven itself, and another came before the agent ended.
  const good = kept().current.hash;
  world.config = { explode: true };
  world.version = 2;
  const bad = { version: 2, hash: configHash(world.config), config: world.config };
  await writeKept(new StateFolder(world.stateDir), {
    current: { ...bad, healthy: false, starts: 1 },
    healthy: { version: 1, hash: good, config: {} },
    failed: [],
  });
  for (let start = 0; start < 2; start += 1) expect(await world.launch(dir).exited()).toBe(1);
  heartbeats.length = 0;
  const last = world.launch(dir);
  await waitFor(() => heartbeats.some((beat) => beat['config_hash'] === good), {
    ...LONG,
    what: `the last good one: ${last.log()}`,
  });
  expect(kept().failed[0]?.hash).toBe(bad.hash);
});

test('a kept configuration that somebody changed is not used', async () => {
  world.config = { mode: 'real' };
  const dir = world.package({ 'rules.json': '[]' });
  const heartbeats = world.collect('opmas.heartbeat.*');
  const first = world.launch(dir, { token: world.newToken() });
  await waitFor(() => heartbeats.length > 0, LONG);
  first.child.kill('SIGKILL');
  await first.exited();
  writeFileSync(keptFile(), readFileSync(keptFile(), 'utf8').replace('"real"', '"fake"'));
  heartbeats.length = 0;
  const second = world.launch(dir);
  await waitFor(() => heartbeats.length > 0, LONG);
  expect(second.log()).toContain('checksum');
  const answer = await world.command({ command: 'diagnostics' });
  expect(JSON.stringify(answer)).toContain('"mode":"real"');
});
