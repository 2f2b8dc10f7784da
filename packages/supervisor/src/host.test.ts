/** Pins what the host promises: real broker, real host processes, real agents, kill -9. */
import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  linkSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { type TestNats, testNats, waitFor } from '@opmas/testkit';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Bench, isAlive, testBench } from './testing/bench.ts';

let nats: TestNats;
let bench: Bench;
beforeAll(async () => {
  nats = await testNats();
});
beforeEach(async () => {
  bench = await testBench(nats);
});
afterEach(() => bench.close());
afterAll(() => nats.stop());

const runFile = () => JSON.parse(readFileSync(join(bench.dataDir, 'run', 'host.json'), 'utf8'));
const ready = (name: string) => bench.see(name, (one) => one.state === 'ready');

async function pidOf(name: string): Promise<number> {
  const { pid } = await ready(name);
  if (pid === null) throw new Error('ready without a process');
  return pid;
}

describe('opmas-host', () => {
  it('starts an agent with the handshake and nothing else, and is ready', async () => {
    await bench.wish(bench.agent('wifi', [], { limits: { memory_bytes: 100 * 1024 * 1024 } }));
    const host = bench.startHost();
    expect(JSON.parse(await host.ready)).toMatchObject({ ready: true });
    const seen = await ready('wifi');
    const [start] = bench.starts('wifi');
    expect(start).toMatchObject({
      pid: seen.pid,
      instance_id: seen.instance_id,
      token: 'once-only',
      layer: 'layer',
      cwd: join(bench.dataDir, 'agents', 'wifi-1'),
      flags: ['--max-old-space-size=75'],
    });
    expect(start?.env).toEqual([
      'AGENT_ID',
      'MANAGEMENT_API_URL',
      'ONE_TIME_REGISTRATION_TOKEN',
      'OPMAS_AGENT_CREDS',
      'OPMAS_AGENT_NATS__URL',
      'OPMAS_AGENT_TEST',
      'OPMAS_INSTANCE_ID',
      'OPMAS_STOP_GRACE_MS',
    ]);
    const log = join(bench.dataDir, 'logs', 'agents', 'wifi.log');
    for (const one of ['0=/dev/null', `1=${log}`, `2=${log}`])
      expect(start?.descriptors).toContain(one);
    const readyPipe = readlinkSync(`/proc/${host.child.pid}/fd/3`);
    expect(readyPipe).toMatch(/^(socket|pipe):/);
    expect(start?.descriptors.filter((one) => one.endsWith(readyPipe))).toEqual([]);
    expect(statSync(start?.cwd ?? '').mode & 0o777).toBe(0o700);
    expect(statSync(join(bench.dataDir, 'run', 'host.json')).mode & 0o777).toBe(0o600);
    expect(readFileSync(join(bench.dataDir, 'run', 'host.json'), 'utf8')).not.toContain(
      'once-only',
    );
  });

  it('restarts an agent killed with -9 at once, without another token', async () => {
    await bench.wish(bench.agent('wifi', []));
    bench.startHost();
    const first = await pidOf('wifi');
    process.kill(first, 'SIGKILL');
    const again = await bench.see('wifi', (one) => one.state === 'ready' && one.pid !== first);
    expect(again.restarts).toBe(1);
    expect(bench.starts('wifi').map((start) => start.token)).toEqual(['once-only', null]);
  });

  it('kills what an agent started itself when the agent dies', async () => {
    await bench.wish(bench.agent('wifi', ['spawn']));
    bench.startHost();
    process.kill(await pidOf('wifi'), 'SIGKILL');
    await waitFor(() => bench.starts('wifi').length === 2);
    const child = Number(readFileSync(bench.file('wifi', 'child.pid'), 'utf8'));
    await ready('wifi');
    await bench.unwish('wifi-1');
    await waitFor(() => !isAlive(child));
  });

  it('killed with -9 leaves agents alone; the next host adopts them, restarts and stops them', async () => {
    await bench.wish(bench.agent('wifi', []));
    await bench.wish(bench.agent('auth', []));
    const host = bench.startHost();
    const pids = [await pidOf('wifi'), await pidOf('auth')];
    await host.end('SIGKILL');
    bench.forgetReports();
    await bench.startHost().ready;
    expect([await pidOf('wifi'), await pidOf('auth')]).toEqual(pids);
    expect([bench.starts('wifi').length, bench.starts('auth').length]).toEqual([1, 1]);

    process.kill(pids[0] ?? 0, 'SIGKILL');
    await bench.see('wifi', (one) => one.state === 'ready' && one.pid !== pids[0]);
    await bench.wish(bench.agent('auth', [], { desired: 'stopped', generation: 2 }));
    await bench.see('auth', (one) => one.state === 'stopped');
    expect(isAlive(pids[1] ?? 0)).toBe(false);
    expect(bench.starts('auth')).toHaveLength(1);
  });

  it('adopts an agent whose host died between spawn and save, and stops strays of its own folder only', async () => {
    await bench.wish(bench.agent('wifi', []));
    const host = bench.startHost();
    const pid = await pidOf('wifi');
    await host.end('SIGKILL');
    const state = runFile();
    Object.assign(state.agents['wifi-1'].handle, { pid: null, start_time: null });
    writeFileSync(join(bench.dataDir, 'run', 'host.json'), JSON.stringify(state));
    const stray = (stateDir: string) =>
      spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', '--', '--state', stateDir], {
        env: { OPMAS_INSTANCE_ID: 'of-nobody' },
        detached: true,
        stdio: 'ignore',
      });
    const ours = stray(join(bench.dataDir, 'agents', 'old-1'));
    const anothers = stray('/somewhere/else/agents/old-1');
    bench.forgetReports();
    await bench.startHost().ready;
    expect(await pidOf('wifi')).toBe(pid);
    expect(bench.starts('wifi')).toHaveLength(1);
    expect(isAlive(ours.pid ?? 0)).toBe(false);
    expect(isAlive(anothers.pid ?? 0)).toBe(true);
    anothers.kill('SIGKILL');
  });

  it('does not take a reused pid for its agent', async () => {
    await bench.wish(bench.agent('wifi', []));
    const host = bench.startHost();
    const pid = await pidOf('wifi');
    await host.end('SIGKILL');
    process.kill(pid, 'SIGKILL');
    const state = runFile();
    Object.assign(state.agents['wifi-1'].handle, { pid: process.pid });
    writeFileSync(join(bench.dataDir, 'run', 'host.json'), JSON.stringify(state));
    bench.forgetReports();
    await bench.startHost().ready;
    const again = await ready('wifi');
    expect([pid, process.pid]).not.toContain(again.pid);
    expect(isAlive(process.pid)).toBe(true);
  });

  it('calls a crash loop failed, says why, and remembers it after kill -9', async () => {
    await bench.wish(bench.agent('wifi', ['crash']));
    const host = bench.startHost();
    const failed = await bench.see('wifi', (one) => one.state === 'failed');
    expect(failed.reason).toBe('crashed (exit code 1): TypeError: no topic to read');
    expect(bench.starts('wifi')).toHaveLength(5);
    const wait = Date.parse(failed.next_start_at ?? '') - Date.now();
    expect(wait).toBeGreaterThan(30_000);
    expect(wait).toBeLessThanOrEqual(60_000);
    await host.end('SIGKILL');
    bench.forgetReports();
    await bench.startHost().ready;
    expect(await bench.see('wifi', (one) => one.state === 'failed')).toMatchObject({
      next_start_at: failed.next_start_at,
      restarts: 4,
    });
    expect(bench.starts('wifi')).toHaveLength(5);
  });

  it('waits after exit 78, until a newer generation comes', async () => {
    await bench.wish(bench.agent('wifi', ['refuse_config']));
    bench.startHost();
    const waiting = await bench.see('wifi', (one) => one.state === 'waiting_config');
    expect(waiting.reason).toContain('rules[0].pattern is missing');
    await bench.wish(bench.agent('wifi', []));
    await bench.wish(bench.agent('auth', []));
    await ready('auth');
    expect(bench.starts('wifi')).toHaveLength(1);
    await bench.wish(bench.agent('wifi', [], { generation: 2 }));
    await ready('wifi');
    expect(bench.starts('wifi')).toHaveLength(2);
  });

  it('restarts for a newer generation, stops on request, forgets a deleted agent', async () => {
    await bench.wish(bench.agent('wifi', []));
    bench.startHost();
    const first = await pidOf('wifi');
    await bench.wish(bench.agent('wifi', [], { generation: 2 }));
    const second = await bench.see('wifi', (one) => one.state === 'ready' && one.pid !== first);
    expect(second).toMatchObject({ generation: 2, restarts: 0 });
    await bench.wish(bench.agent('wifi', [], { generation: 3, desired: 'stopped' }));
    const stopped = await bench.see('wifi', (one) => one.state === 'stopped');
    expect(stopped).toMatchObject({ pid: null, reason: 'stopped on request', generation: 3 });
    await bench.wish(bench.agent('wifi', [], { generation: 4 }));
    const third = await pidOf('wifi');
    await bench.unwish('wifi-1');
    await waitFor(() => !isAlive(third));
    await waitFor(() => bench.seen('wifi') === undefined);
    await waitFor(() => runFile().agents['wifi-1'] === undefined);
    expect(existsSync(join(bench.dataDir, 'agents', 'wifi-1'))).toBe(false);
    await bench.wish(bench.agent('wifi', [], { generation: 5 }));
    const fourth = await pidOf('wifi');
    expect(isAlive(fourth)).toBe(true);
    expect(bench.seen('wifi')).toMatchObject({ state: 'ready', restarts: 0 });
  });

  it('says why when the server refuses the launch, and starts nothing', async () => {
    bench.answer({ ok: false, error: 'the package was rejected' });
    await bench.wish(bench.agent('wifi', []));
    bench.startHost();
    const failed = await bench.see('wifi', (one) => one.state === 'failed');
    expect(failed.reason).toBe('launch refused: the package was rejected');
    expect(bench.starts('wifi')).toHaveLength(0);
    expect(bench.launches).toHaveLength(5);
  });

  describe('X2 X22 a package that is not what was approved', () => {
    const file = (name: string) => bench.packageFile(name, 'behave.json');
    const tampering: Record<string, (name: string) => void> = {
      'one byte differs': (name) => {
        chmodSync(file(name), 0o600);
        writeFileSync(file(name), '[ ]');
        chmodSync(file(name), 0o400);
      },
      'a file more': (name) => writeFileSync(bench.packageFile(name, 'x.ts'), '', { mode: 0o400 }),
      'a file less': (name) => rmSync(file(name)),
      'a symbolic link': (name) => {
        renameSync(file(name), bench.file(name, 'behave.json'));
        symlinkSync('.opmas/behave.json', file(name));
      },
      'a file that may be run': (name) => chmodSync(file(name), 0o500),
      'a file that may be written': (name) => chmodSync(file(name), 0o600),
      'a hard link from outside': (name) => linkSync(file(name), bench.file(name, 'outside')),
    };

    it('is not started, and the reason says why, however it differs', async () => {
      const names = Object.entries(tampering).map(
        ([what, tamper]) => [what.replaceAll(' ', '-'), tamper] as const,
      );
      for (const [name, tamper] of names) {
        const wish = bench.agent(name, []);
        tamper(name);
        await bench.wish(wish);
      }
      bench.startHost();
      for (const [name] of names) {
        await bench.see(
          name,
          (one) => one.reason?.startsWith('package_digest_mismatch: ') === true,
        );
        expect([name, bench.starts(name)]).toEqual([name, []]);
      }
    });

    it('a change after its start is noticed at the next one, and its repair too', async () => {
      await bench.wish(bench.agent('wifi', []));
      bench.startHost();
      const pid = await pidOf('wifi');
      chmodSync(file('wifi'), 0o600);
      process.kill(pid, 'SIGKILL');
      await bench.see('wifi', (one) => one.reason?.startsWith('package_digest_mismatch') === true);
      expect(bench.starts('wifi')).toHaveLength(1);
      chmodSync(file('wifi'), 0o400);
      await bench.see('wifi', (one) => one.state === 'ready' && one.pid !== pid);
    });
  });

  it('keeps restarting an enrolled agent while the broker is away', async () => {
    await bench.wish(bench.agent('wifi', []));
    bench.startHost();
    const first = await pidOf('wifi');
    await bench.nats.kill9();
    process.kill(first, 'SIGKILL');
    await waitFor(() => bench.starts('wifi').length === 2);
    await bench.nats.restart();
    const again = await bench.see('wifi', (one) => one.state === 'ready' && one.pid !== first);
    expect(bench.starts('wifi')[1]).toMatchObject({ pid: again.pid, layer: 'layer', token: null });
    expect(bench.starts('wifi')).toHaveLength(2);
  });

  it('SIGTERM stops the agents and ends with 0; the next host starts them again', async () => {
    await bench.wish(bench.agent('wifi', []));
    const host = bench.startHost();
    const pid = await pidOf('wifi');
    expect(await host.end('SIGTERM')).toBe(0);
    expect(isAlive(pid)).toBe(false);
    expect(existsSync(join(bench.dataDir, 'run', 'host.lock'))).toBe(false);
    bench.forgetReports();
    bench.startHost();
    await ready('wifi');
    expect(bench.starts('wifi')).toHaveLength(2);
  });

  it('SIGUSR2 leaves the agents to the next host', async () => {
    await bench.wish(bench.agent('wifi', []));
    const host = bench.startHost();
    const pid = await pidOf('wifi');
    expect(await host.end('SIGUSR2')).toBe(0);
    expect(isAlive(pid)).toBe(true);
    bench.forgetReports();
    bench.startHost();
    expect(await pidOf('wifi')).toBe(pid);
  });

  it('refuses a second host on the same folder', async () => {
    const host = bench.startHost();
    await host.ready;
    const second = bench.startHost();
    expect(await second.end('SIGCONT')).toBe(1);
    expect(second.output()).toContain(`another opmas-host (process ${host.child.pid})`);
  });
});
