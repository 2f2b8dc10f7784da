/** What the host's tests stand on: a real broker, a server that answers launches, packages, hosts as processes. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  apiPrefix,
  type Bus,
  connectBus,
  ensureKv,
  hostPermissions,
  type Kv,
  openKv,
} from '@opmas/bus';
import { digestOf } from '@opmas/keyring';
import {
  check,
  DESIRED_BUCKET,
  type DesiredAgent,
  HostReport,
  type InstanceReport,
  type LaunchTicket,
  subjects,
} from '@opmas/protocol';
import { compileCacheEnv, type TempDir, type TestNats, tempDir, waitFor } from '@opmas/testkit';
import type { Log } from '../link.ts';

export const FIXTURE = join(import.meta.dirname, 'fixture-start.mjs');
const MAIN = join(import.meta.dirname, '..', 'main.ts');

const nothing = () => undefined;
export const silent: Log = { debug: nothing, info: nothing, warn: nothing, error: nothing };

export interface Start {
  pid: number;
  instance_id: string;
  env: string[];
  token: string | null;
  layer: string | null;
  cwd: string;
  flags: string[];
  descriptors: string[];
}

export interface HostProcess {
  child: ChildProcess;
  /** Resolves with the ready line. */
  ready: Promise<string>;
  output(): string;
  /** Signals it and resolves with its exit code (null when a signal ended it). */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

export interface Bench {
  hostId: string;
  nats: TestNats;
  bus: Bus;
  kv: Kv;
  dataDir: string;
  hostCreds: string;
  agentCreds: string;
  /** Makes a package that behaves so, and the wish to run it. */
  agent(name: string, behaviour: string[], over?: Partial<DesiredAgent>): DesiredAgent;
  wish(desired: DesiredAgent): Promise<void>;
  unwish(agentId: string): Promise<void>;
  starts(name: string): Start[];
  /** What the agent wrote down: in its package, where no digest looks. */
  file(name: string, ...parts: string[]): string;
  packageFile(name: string, ...parts: string[]): string;
  launches: { agent_id: string; enrolled: boolean }[];
  /** Changes what launch requests are answered with. */
  answer: (ticket: LaunchTicket) => void;
  /** true: launch requests get no answer at all. */
  silence: (on: boolean) => void;
  startHost(): HostProcess;
  /** The newest report on this agent from a live host. */
  seen(name: string): InstanceReport | undefined;
  /** Waits until the newest report on the agent satisfies `test`. */
  see(name: string, test: (report: InstanceReport) => boolean): Promise<InstanceReport>;
  forgetReports(): void;
  close(): Promise<void>;
}

let benches = 0;

/** Benches may share a broker: each has a host id of its own. */
export async function testBench(nats: TestNats): Promise<Bench> {
  const dir: TempDir = tempDir('host');
  benches += 1;
  const hostId = `host-${benches}`;
  const server = nats.credsFor('server');
  const agents = nats.credsFor('agents');
  const host = nats.credsFor('host', hostPermissions(hostId, apiPrefix(nats.trust)));
  const bus = await connectBus({
    url: nats.url,
    name: 'server',
    logger: silent,
    credentials: () => server,
  });
  await ensureKv(bus, DESIRED_BUCKET);
  const kv = openKv(bus, DESIRED_BUCKET);
  const dataDir = join(dir.path, 'data dir');
  const hosts: HostProcess[] = [];
  const launches: { agent_id: string; enrolled: boolean }[] = [];
  let ticket: LaunchTicket | undefined;
  let mute = false;
  let report: HostReport | undefined;

  bus.subscribe(subjects.hostLaunch(hostId), (message) => {
    const request = JSON.parse(message.text());
    launches.push(request);
    if (mute) return;
    const ordinary: LaunchTicket = {
      ok: true,
      management_url: 'http://127.0.0.1:9',
      registration_token: request.enrolled ? null : 'once-only',
      env: {
        OPMAS_AGENT_NATS__URL: nats.url,
        OPMAS_AGENT_CREDS: agents.file,
        OPMAS_AGENT_TEST: 'layer',
        OPMAS_AGENT_RUNNER: '/not/for/agents',
        NODE_OPTIONS: '--require=/evil.js',
      },
    };
    message.respond(JSON.stringify(ticket ?? ordinary));
  });
  bus.subscribe(subjects.hostActual(hostId), (message) => {
    const data: unknown = message.json();
    if (!check(HostReport, data)) throw new Error(`no host report: ${message.text()}`);
    report = data;
  });
  await bus.flush();
  const packageOf = (name: string) => join(dir.path, 'packages', name);
  const seen = (name: string) => report?.instances.find((one) => one.agent_name === name);

  return {
    hostId,
    nats,
    bus,
    kv,
    dataDir,
    hostCreds: host.file,
    agentCreds: agents.file,
    launches,
    seen,
    file: (name, ...parts) => join(packageOf(name), '.opmas', ...parts),
    packageFile: (name, ...parts) => join(packageOf(name), ...parts),
    forgetReports: () => {
      report = undefined;
    },
    silence: (on) => {
      mute = on;
    },
    answer: (given) => {
      ticket = given;
    },
    agent(name, behaviour, over = {}) {
      const file = join(packageOf(name), 'behave.json');
      const content = JSON.stringify(behaviour);
      const notes = join(packageOf(name), '.opmas');
      mkdirSync(notes, { recursive: true });
      // The host hands nothing of its own environment on: the agent reads here where the run's cache is.
      writeFileSync(join(notes, 'compile-cache'), compileCacheEnv()['NODE_COMPILE_CACHE'] ?? '');
      rmSync(file, { force: true });
      writeFileSync(file, content, { mode: 0o400 });
      const sha256 = createHash('sha256').update(content).digest('hex');
      const files = [{ path: 'behave.json', executable: false, writable: false, sha256 }];
      return {
        agent_id: `${name}-1`,
        agent_name: name,
        agent_type: name,
        version: '1.0.0',
        desired: 'running',
        generation: 1,
        package_dir: packageOf(name),
        package_digest: digestOf(files),
        entry: 'code',
        limits: {},
        ...over,
      };
    },
    async wish(desired) {
      await kv.put(`desired.${hostId}.${desired.agent_id}`, JSON.stringify(desired));
    },
    unwish: (agentId) => kv.delete(`desired.${hostId}.${agentId}`),
    starts(name) {
      const path = join(packageOf(name), '.opmas', 'starts.ndjson');
      if (!existsSync(path)) return [];
      const lines = readFileSync(path, 'utf8').trim().split('\n');
      return lines.map((line): Start => JSON.parse(line));
    },
    startHost() {
      const process = hostProcess({ dataDir, hostId, natsUrl: nats.url, creds: host.file });
      hosts.push(process);
      return process;
    },
    async see(name, test) {
      return await waitFor(
        () => {
          const one = seen(name);
          return one !== undefined && test(one) ? one : undefined;
        },
        {
          timeoutMs: 20_000,
          what: `the awaited state of ${name} (now ${JSON.stringify(seen(name))})`,
        },
      );
    },
    async close() {
      await Promise.all(hosts.map((one) => one.end('SIGTERM')));
      await bus.close();
      dir.remove();
    },
  };
}

interface HostEnv {
  dataDir: string;
  hostId: string;
  natsUrl: string;
  creds: string;
}

function hostProcess({ dataDir, hostId, natsUrl, creds }: HostEnv): HostProcess {
  const child = spawn(process.execPath, [MAIN], {
    env: {
      ...compileCacheEnv(),
      PATH: process.env['PATH'],
      OPMAS_DATA_DIR: dataDir,
      OPMAS_HOST_ID: hostId,
      OPMAS_NATS_URL: natsUrl,
      OPMAS_NATS_CREDS: creds,
      OPMAS_AGENT_RUNNER: FIXTURE,
      // The fixture does what no agent may: it writes down its starts and starts children.
      OPMAS_AGENT_SANDBOX: 'off',
      OPMAS_READY_FD: '3',
    },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  let output = '';
  const collect = (data: Buffer) => {
    output += data.toString();
  };
  child.stdout?.on('data', collect);
  child.stderr?.on('data', collect);
  const fd3 = child.stdio[3];
  const ready = new Promise<string>((resolve) => {
    fd3?.once('data', (data: Buffer) => resolve(data.toString()));
  });
  const ended = once(child, 'exit');
  return {
    child,
    ready,
    output: () => output,
    async end(signal) {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      await ended;
      return child.exitCode;
    },
  };
}

/** Is there such a process, and is it more than a zombie? */
export function isAlive(pid: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return !/^[ZX]/.test(stat.slice(stat.lastIndexOf(')') + 2));
  } catch {
    return false;
  }
}
