/** Pins what the host does when time runs out: silence, slow starts, hung stops, a missing server. */
import { randomUUID } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { type Bus, connectBus, systemInbox } from '@opmas/bus';
import { type TestNats, testNats, waitFor } from '@opmas/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { stateRoot } from './agent-files.ts';
import { busLink } from './bus-link.ts';
import { createHost, type Host } from './host.ts';
import { type Timing, timing } from './limits.ts';
import { systemClock } from './link.ts';
import { processRunner } from './runners/process.ts';
import { processTable } from './runners/process-table.ts';
import { type Bench, FIXTURE, isAlive, silent, testBench } from './testing/bench.ts';

let nats: TestNats;
let bench: Bench;
let ends: (() => Promise<void>)[];
beforeAll(async () => {
  nats = await testNats();
});
beforeEach(async () => {
  bench = await testBench(nats);
  ends = [];
});
afterEach(async () => {
  for (const end of ends) await end();
  await bench.close();
});
afterAll(() => nats.stop());

interface Options extends Partial<Timing> {
  startsInFlight?: number;
  /** No connection to the broker at all. */
  cutOff?: boolean;
}

/** A host in this process, so that its times can be short. Its start is not waited for. */
async function startHost({ startsInFlight = 4, cutOff = false, ...times }: Options): Promise<Host> {
  const { dataDir, hostId } = bench;
  mkdirSync(dataDir, { recursive: true });
  const link = busLink(hostId, silent);
  const table = processTable();
  const runner = processRunner({ runnerScript: FIXTURE, stateDir: stateRoot(dataDir), table });
  const bus: Bus | undefined = cutOff
    ? undefined
    : await connectBus({
        url: nats.url,
        name: 'host',
        inboxPrefix: systemInbox.host(hostId),
        credsFile: bench.hostCreds,
        logger: silent,
      });
  if (bus !== undefined) link.attach(bus);
  const host = createHost({
    hostId,
    dataDir,
    bootId: table.bootId(),
    runner,
    link,
    log: silent,
    clock: systemClock,
    random: Math.random,
    newId: randomUUID,
    startsInFlight,
    times: { ...timing, tickMs: 50, ...times },
  });
  ends.push(async () => {
    await host.stop({ agents: 'stop' });
    runner.close();
    await link.close();
    await bus?.close();
  });
  host.start().catch((error: unknown) => expect.unreachable(String(error)));
  return host;
}

const instance = (host: Host, name: string) =>
  host.report().instances.find((one) => one.agent_name === name);

it('restarts an agent that hangs, although it does not even die of SIGTERM', async () => {
  await bench.wish(bench.agent('wifi', []));
  const host = await startHost({ stopGraceMs: 100 });
  const first = await bench.see('wifi', (one) => one.state === 'ready');
  process.kill(first.pid ?? 0, 'SIGSTOP');
  const told = await bench.see('wifi', (one) => one.state === 'stopping');
  expect(told.reason).toBe('unresponsive');
  const again = await bench.see('wifi', (one) => one.state === 'ready' && one.pid !== first.pid);
  expect(again.restarts).toBe(1);
  expect(isAlive(first.pid ?? 0)).toBe(false);
  expect(instance(host, 'wifi')?.pid).toBe(again.pid);
});

it('counts an agent that never beats as failed, and says so', async () => {
  await bench.wish(bench.agent('wifi', ['mute', 'ignore_sigterm']));
  const host = await startHost({ startMs: 100, stopGraceMs: 50 });
  const failed = await bench.see('wifi', (one) => one.state === 'failed');
  expect(failed.reason).toContain('no heartbeat in time after its start');
  expect(bench.starts('wifi').every((start) => !isAlive(start.pid))).toBe(true);
  expect(instance(host, 'wifi')?.pid).toBeNull();
});

it('kills an agent that ignores SIGTERM after the grace', async () => {
  await bench.wish(bench.agent('wifi', ['ignore_sigterm']));
  await startHost({ stopGraceMs: 200 });
  const { pid } = await bench.see('wifi', (one) => one.state === 'ready');
  await bench.wish(bench.agent('wifi', [], { desired: 'stopped', generation: 2 }));
  await bench.see('wifi', (one) => one.state === 'stopped');
  expect(isAlive(pid ?? 0)).toBe(false);
});

it('lets only so many boot at once, the rest when a place is free', async () => {
  await bench.wish(bench.agent('slow', ['mute']));
  const host = await startHost({ startsInFlight: 1 });
  await waitFor(() => bench.starts('slow').length === 1);
  await bench.wish(bench.agent('next', []));
  const waiting = await bench.see('next', (one) => one.reason !== null);
  expect(waiting).toMatchObject({ state: 'stopped', reason: 'waiting for a free start place' });
  expect(bench.starts('next')).toHaveLength(0);
  await bench.wish(bench.agent('slow', [], { desired: 'stopped', generation: 2 }));
  await bench.see('next', (one) => one.state === 'ready');
  expect(instance(host, 'slow')?.state).toBe('stopped');
});

it('waits for a server that does not answer, without calling that a failure', async () => {
  bench.silence(true);
  await bench.wish(bench.agent('wifi', []));
  await startHost({ launchMs: 20 });
  const waiting = await bench.see('wifi', (one) => one.state === 'backoff');
  expect(waiting.reason).toContain('waiting for the management server');
  await waitFor(() => bench.launches.length >= 3);
  bench.silence(false);
  const { restarts } = await bench.see('wifi', (one) => one.state === 'ready');
  expect(restarts).toBe(0);
});

it('starts an enrolled agent from its last ticket when the server hangs', async () => {
  await bench.wish(bench.agent('wifi', []));
  await startHost({ relaunchMs: 20 });
  const first = await bench.see('wifi', (one) => one.state === 'ready');
  bench.silence(true);
  process.kill(first.pid ?? 0, 'SIGKILL');
  await bench.see('wifi', (one) => one.state === 'ready' && one.pid !== first.pid);
  expect(bench.starts('wifi')[1]).toMatchObject({ layer: 'layer', token: null });
});

it('goes on with the last desired set when it starts without a broker', async () => {
  await bench.wish(bench.agent('wifi', []));
  const first = await startHost({});
  await bench.see('wifi', (one) => one.state === 'ready');
  await first.stop({ agents: 'stop' });
  await startHost({ cutOff: true, desiredWaitMs: 20 });
  await waitFor(() => bench.starts('wifi').length === 2);
});

it('keeps agents that a rebuilt broker does not know yet, and lets go of those it never tells', async () => {
  await bench.wish(bench.agent('kept', []));
  await bench.wish(bench.agent('gone', []));
  const before = await startHost({});
  const kept = await bench.see('kept', (one) => one.state === 'ready');
  const gone = await bench.see('gone', (one) => one.state === 'ready');
  await before.stop({ agents: 'leave' });
  await bench.unwish('kept-1');
  await bench.unwish('gone-1');
  const host = await startHost({ absentMs: 400 });
  await waitFor(() => instance(host, 'kept')?.pid === kept.pid);
  await bench.wish(bench.agent('kept', []));
  await waitFor(() => instance(host, 'gone') === undefined);
  expect(isAlive(gone.pid ?? 0)).toBe(false);
  expect(instance(host, 'kept')?.pid).toBe(kept.pid);
  expect(bench.starts('kept')).toHaveLength(1);
});

it('refuses a wish it cannot read and keeps the earlier one', async () => {
  await bench.wish(bench.agent('wifi', []));
  const host = await startHost({});
  const { pid } = await bench.see('wifi', (one) => one.state === 'ready');
  await bench.kv.put(`desired.${bench.hostId}.wifi-1`, '{"agent_id":"wifi-1"}');
  await bench.kv.put(`desired.${bench.hostId}.other-1`, JSON.stringify(bench.agent('wifi', [])));
  await bench.wish(bench.agent('auth', []));
  await bench.see('auth', (one) => one.state === 'ready');
  expect(
    host
      .report()
      .instances.map((one) => one.agent_id)
      .sort(),
  ).toEqual(['auth-1', 'wifi-1']);
  expect(instance(host, 'wifi')).toMatchObject({ state: 'ready', pid });
});

it('says that the package is missing', async () => {
  await bench.wish(bench.agent('wifi', [], { package_dir: '/no/such/package' }));
  await startHost({});
  const { reason } = await bench.see('wifi', (one) => one.reason !== null);
  expect(reason).toBe('package folder /no/such/package does not exist');
});

it('survives a state folder that cannot be made, says why, and starts when it can', async () => {
  mkdirSync(bench.dataDir, { recursive: true });
  writeFileSync(stateRoot(bench.dataDir), 'a file where a folder should be');
  await bench.wish(bench.agent('wifi', []));
  await startHost({});
  const { reason } = await bench.see('wifi', (one) => one.reason !== null);
  expect(reason).toContain('ENOTDIR');
  rmSync(stateRoot(bench.dataDir));
  await bench.see('wifi', (one) => one.state === 'ready');
});
