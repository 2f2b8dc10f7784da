/** The whole product as its users get it: `opmas up` as a process, on folders and ports of its own. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type Agent, parse, Type } from '@opmas/protocol';
import { shareCompileCache, tempDir, waitFor } from '@opmas/testkit';
import { type Api, api } from './api.ts';
import { limits } from './limits.ts';

export const ROOT = resolve(import.meta.dirname, '..');
export const CLI = join(ROOT, 'packages', 'cli', 'src', 'main.ts');

export interface ProductOptions {
  /** Names of folders in `agents/`, or absolute paths; absent: the four agents. */
  agents?: readonly string[];
  /** Added to the process's environment. */
  env?: Readonly<Record<string, string>>;
  /** A folder for everything; absent: a temporary one, removed by `stop`. */
  home?: string;
}

export interface Product extends Api {
  url: string;
  setupUrl: string | null;
  syslog: { host: string; udp_port: number; tcp_port: number };
  /** An administrator's bearer token. */
  token: string;
  home: string;
  dataDir: string;
  agentsDir: string;
  child: ChildProcess;
  /** What `opmas up` has printed, both streams. */
  output(): string;
  /** Pid of a child of `opmas up` (postgres, nats, server, host, collector). */
  pidOf(child: string): number;
  /** Waits until exactly `n` agents run with a heartbeat. */
  waitForAgents(n: number): Promise<Agent[]>;
  waitForAgent(name: string, condition?: (agent: Agent) => boolean): Promise<Agent>;
  /** The tail of a log file below `<data>/logs`; empty when there is none. */
  log(name: string): string;
  /** Ends `opmas up` by `signal` and fails unless it exits 0 and leaves no process and no lock; keeps the folders. */
  halt(signal?: NodeJS.Signals): Promise<void>;
  /** Starts it again on the same folders, after `halt`. */
  restart(): Promise<void>;
  /** `halt`, and the folders are removed. */
  stop(): Promise<void>;
}

const UpFile = Type.Object({
  url: Type.String(),
  setup_url: Type.Union([Type.String(), Type.Null()]),
  syslog: Type.Object({
    host: Type.String(),
    udp_port: Type.Integer(),
    tcp_port: Type.Integer(),
  }),
});

const PidFile = Type.Object({ pid: Type.Integer() });

/** The agents that come with OPMAS. */
export const AGENT_FOLDERS: readonly string[] = readdirSync(join(ROOT, 'agents')).filter((name) =>
  name.endsWith('_agent'),
);

export async function startProduct(options: ProductOptions = {}): Promise<Product> {
  const dir = options.home === undefined ? tempDir('e2e') : undefined;
  const home = options.home ?? dir?.path ?? '';
  const dataDir = join(home, 'data');
  const agentsDir = join(home, 'agents');
  mkdirSync(agentsDir, { recursive: true });
  for (const agent of options.agents ?? AGENT_FOLDERS) copyAgent(agent, agentsDir);
  // A third of a start's processor time is reading our sources, which no test here is about.
  if (!existsSync(dataDir)) shareCompileCache(dataDir);

  let running = await launch(dataDir, agentsDir, options.env).catch((error: unknown) => {
    dir?.remove();
    throw error;
  });
  const tokenPath = join(dataDir, 'run', 'local.token');
  const token = () => readFileSync(tokenPath, 'utf8').trim();
  const http = api(() => running.up.url, token);
  const halt = async (signal: NodeJS.Signals = 'SIGTERM') => {
    running.child.kill(signal);
    await ended(running, signal);
    await nothingLeft(home);
  };
  return {
    ...http,
    get url() {
      return running.up.url;
    },
    get setupUrl() {
      return running.up.setup_url;
    },
    get syslog() {
      return running.up.syslog;
    },
    get token() {
      return token();
    },
    get child() {
      return running.child;
    },
    home,
    dataDir,
    agentsDir,
    output: () => running.output(),
    pidOf: (child) => readFile(PidFile, join(dataDir, 'run', `${child}.pid.json`)).pid,
    waitForAgents: (n) => waitForAgents(http, n),
    waitForAgent: (name, condition = isWell) => waitForAgent(http, name, condition),
    log: (name) => logTail(join(dataDir, 'logs', name)),
    halt,
    restart: async () => {
      running = await launch(dataDir, agentsDir, options.env);
    },
    stop: async () => {
      await halt();
      dir?.remove();
    },
  };
}

/** Copies an agent package whole, under its own name. */
export function copyAgent(from: string, agentsDir: string): void {
  const source = resolve(ROOT, 'agents', from);
  const name = source.split('/').at(-1) ?? '';
  cpSync(source, join(agentsDir, name), { recursive: true });
}

/** Running as people mean it: a heartbeat has come. */
export function isWell(agent: Agent): boolean {
  return agent.status === 'running' && agent.last_heartbeat !== null;
}

interface Launched {
  child: ChildProcess;
  up: { url: string; setup_url: string | null; syslog: Product['syslog'] };
  output(): string;
}

async function launch(
  dataDir: string,
  agentsDir: string,
  env: Readonly<Record<string, string>> = {},
): Promise<Launched> {
  const child = spawn(process.execPath, [CLI, 'up'], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...passed('PATH', 'HOME', 'LANG', 'TZ', 'OPMAS_NATS_BIN'),
      OPMAS_DATA_DIR: dataDir,
      OPMAS_AGENTS_DIR: agentsDir,
      OPMAS_HTTP_PORT: '0',
      OPMAS_SYSLOG_PORT: '0',
      ...env,
    },
  });
  const orphan = () => void child.kill('SIGTERM');
  process.once('exit', orphan); // a test that fails hard leaves no OPMAS behind
  child.once('exit', () => process.removeListener('exit', orphan));
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output = (output + chunk.toString('utf8')).slice(-limits.outputChars);
    });
  }
  const launched = { child, output: () => output };
  try {
    await waitFor(
      () => {
        if (child.exitCode !== null) return true;
        return output.includes('OPMAS is ready: ') && output.includes('syslog in: ');
      },
      { timeoutMs: limits.startMs, what: 'the ready line' },
    );
    if (child.exitCode !== null) throw new Error(`opmas up exited with ${child.exitCode}`);
    return { ...launched, up: readFile(UpFile, join(dataDir, 'run', 'up.json')) };
  } catch (cause) {
    child.kill('SIGTERM');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    throw new Error(`opmas up did not start:\n${output}`, { cause });
  }
}

async function ended({ child, output }: Launched, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) {
    const timer = AbortSignal.timeout(limits.stopMs);
    try {
      await once(child, 'exit', { signal: timer });
    } catch (cause) {
      throw new Error(`opmas up did not end on ${signal}:\n${output()}`, { cause });
    }
  }
  if (child.exitCode === 0) return;
  const how = child.signalCode ?? child.exitCode;
  throw new Error(`opmas up ended with ${how} on ${signal}:\n${output()}`);
}

/** No process mentions the folder any more (arguments, environment, working folder), and no lock is in it. */
export async function nothingLeft(home: string): Promise<void> {
  let left: string[] = [];
  try {
    await waitFor(
      () => {
        left = processesOf(home);
        return left.length === 0;
      },
      { timeoutMs: limits.stopMs },
    );
  } catch (cause) {
    throw new Error(`opmas up left processes:\n${left.join('\n')}`, { cause });
  }
  const locks = ['run/lock', 'run/host.lock', 'run/up.json', 'postgres/postmaster.pid'];
  const kept = locks.filter((name) => existsSync(join(home, 'data', name)));
  if (kept.length > 0) throw new Error(`opmas up left ${kept.join(', ')}`);
}

/** Command lines of live processes that belong to an OPMAS under `home`, this one and its parents excepted. */
export function processesOf(home: string): string[] {
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid) && Number(pid) !== process.pid)
    .flatMap((pid) => {
      const seen = [
        glance(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8')),
        glance(() => readFileSync(`/proc/${pid}/environ`, 'utf8')),
        glance(() => readlinkSync(`/proc/${pid}/cwd`)),
      ];
      if (!seen.some((text) => text.includes(home))) return [];
      return [`${pid} ${(seen[0] ?? '').replaceAll('\0', ' ')}`];
    });
}

/** Empty when the process is gone meanwhile, or another user's. */
function glance(look: () => string): string {
  try {
    return look();
  } catch {
    return '';
  }
}

async function waitForAgents(http: Api, n: number): Promise<Agent[]> {
  let agents: Agent[] = [];
  try {
    return await waitFor(
      async () => {
        agents = await http.agents();
        const well = agents.filter(isWell);
        return well.length === n ? well : undefined;
      },
      { timeoutMs: limits.agentsMs, what: `${n} agents running` },
    );
  } catch (cause) {
    throw new Error(`${n} agents shall run:\n${agents.map(describe).join('\n')}`, { cause });
  }
}

async function waitForAgent(
  http: Api,
  name: string,
  condition: (agent: Agent) => boolean,
): Promise<Agent> {
  let last: Agent | undefined;
  try {
    return await waitFor(
      async () => {
        last = await http.agent(name);
        return condition(last) ? last : undefined;
      },
      { timeoutMs: limits.agentsMs, what: `agent ${name} as wanted` },
    );
  } catch (cause) {
    throw new Error(`${name}: ${last === undefined ? 'absent' : describe(last)}`, { cause });
  }
}

function describe(agent: Agent): string {
  return JSON.stringify({
    name: agent.name,
    status: agent.status,
    reason: agent.reason,
    conditions: agent.conditions,
    last_heartbeat: agent.last_heartbeat,
  });
}

function logTail(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8').slice(-limits.outputChars) : '';
}

function readFile<S extends Parameters<typeof parse>[0]>(schema: S, path: string) {
  const parsed = parse(schema, JSON.parse(readFileSync(path, 'utf8')));
  if (!parsed.ok) throw new Error(`${path}: ${JSON.stringify(parsed.errors)}`);
  return parsed.value;
}

function passed(...names: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
