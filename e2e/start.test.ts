/** Starting and ending OPMAS as people do: terminals, folders of every kind, ports taken, twice at once. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import type { Agent } from '@opmas/protocol';
import { shareCompileCache, tempDir, waitFor } from '@opmas/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { api } from './api.ts';
import {
  AGENT_FOLDERS,
  CLI,
  copyAgent,
  isWell,
  nothingLeft,
  type Product,
  ROOT,
  startProduct,
} from './product.ts';
import { startInTerminal } from './start-terminal.ts';

/** Longer than a socket's path may be, with a space, a quote and no ASCII; outside the repository. */
const ODD = join(`router's logs für ${'x'.repeat(60)}`, 'y'.repeat(60));
const PASSWORD = 'correct horse battery staple';
const STANDARD_PORTS = [4222, 5432, 6379];

const dir = tempDir('start');
const home = join(dir.path, ODD);
const blockers: Server[] = [];
/** On `home`, from the third start on. */
let product: Product | undefined;
let other: Product | undefined;

beforeAll(async () => {
  for (const port of STANDARD_PORTS) await take(port);
  const agentsDir = join(home, 'agents');
  mkdirSync(agentsDir, { recursive: true });
  for (const agent of AGENT_FOLDERS) copyAgent(agent, agentsDir);
  shareCompileCache(join(home, 'data'));
});

afterAll(async () => {
  await product?.halt();
  await other?.stop();
  for (const server of blockers) server.close();
  dir.remove();
}, 180_000);

test('Ctrl-C or a closed window leave nothing, and the next start finds everything as it was', {
  timeout: 300_000,
}, async () => {
  const first = await startInTerminal(environment(home));
  const { call, agents, findings } = api(() => first.url, localToken);
  await waitFor(async () => (await agents()).filter(isWell).length === AGENT_FOLDERS.length, {
    timeoutMs: 90_000,
    pollMs: 100,
    what: 'the agents',
  });
  const person = { username: 'operator', password: PASSWORD };
  const setUp = await call('POST', '/api/v1/setup', {
    token: null,
    body: { code: first.setupCode, ...person },
  });
  expect(setUp.status).toBeLessThan(300);
  const event = { type: 'security', message: "Bad password attempt for 'root' from 192.0.2.9:1" };
  expect((await call('POST', '/api/v1/events', { body: [event] })).status).toBe(202);
  const found = await waitFor(
    async () => {
      const all = await findings();
      return all.length === 1 ? all : undefined;
    },
    { timeoutMs: 30_000, pollMs: 100, what: 'the finding' },
  );
  const before = { agents: (await agents()).map(identity), found };

  const asItWas = async (url: string) => {
    const now = api(() => url, localToken);
    expect((await now.agents()).map(identity)).toEqual(before.agents);
    expect(await now.findings()).toEqual(before.found);
    const login = await now.call('POST', '/api/v1/auth/login', { token: null, body: person });
    expect(login.status).toBe(200);
  };

  first.ctrlC();
  expect(await first.ended).toBe(0);
  await nothingLeft(home);

  const second = await startInTerminal(environment(home));
  expect(second.setupCode).toBeUndefined();
  await asItWas(second.url);
  second.close();
  await second.ended;
  await nothingLeft(home);

  product = await startProduct({ home, agents: [] });
  await product.waitForAgents(AGENT_FOLDERS.length);
  await asItWas(product.url);
});

test('a second start on the same folder is refused, naming the first', {
  timeout: 60_000,
}, async () => {
  const { child, dataDir } = running();
  const began = performance.now();
  const { code, output } = await refused(environment(home));
  console.log(`refused after ${Math.round(performance.now() - began)} ms`);
  expect(code).not.toBe(0);
  expect(output).toContain(`process ${child.pid} `);
  expect(output).toContain(dataDir);
});

test('a taken HTTP or syslog port is refused, naming its holder and the setting', {
  timeout: 90_000,
}, async () => {
  const { url, syslog, pidOf } = running();
  const elsewhere = join(dir.path, 'taken');
  const http = await refused({ ...environment(elsewhere), OPMAS_HTTP_PORT: new URL(url).port });
  expect(http.code).not.toBe(0);
  expect(http.output).toContain(`process ${pidOf('server')} `);
  expect(http.output).toContain('OPMAS_HTTP_PORT');
  const port = String(syslog.udp_port);
  const lines = await refused({ ...environment(elsewhere), OPMAS_SYSLOG_PORT: port });
  expect(lines.code).not.toBe(0);
  expect(lines.output).toContain(`process ${pidOf('collector')} `);
  expect(lines.output).toContain('OPMAS_SYSLOG_PORT');
  await nothingLeft(elsewhere);
});

test('two run at once from one checkout, with the standard ports of their servers taken', {
  timeout: 180_000,
}, async () => {
  const one = running();
  const second = await startProduct({ agents: ['security_agent'] });
  other = second;
  const [theirs] = await second.waitForAgents(1);
  const ours = await one.waitForAgents(AGENT_FOLDERS.length);
  expect(ours.map((agent) => agent.agent_id)).not.toContain(theirs?.agent_id);
  const event = { type: 'security', message: "Bad password attempt for 'x' from 192.0.2.9:1" };
  expect((await second.call('POST', '/api/v1/events', { body: [event] })).status).toBe(202);
  await waitFor(async () => (await second.findings()).length === 1, {
    timeoutMs: 30_000,
    pollMs: 100,
    what: 'the finding of the second',
  });
  expect(await one.findings()).toHaveLength(1);
});

test('the lock of a killed one is taken over, and its agents are not doubled', {
  timeout: 180_000,
}, async () => {
  if (other === undefined) throw new Error('the second did not start');
  const [before] = await other.waitForAgents(1);
  other.child.kill('SIGKILL');
  await once(other.child, 'exit');
  await other.restart();
  const [after] = await other.waitForAgents(1);
  expect(after?.agent_id).toBe(before?.agent_id);
  await other.stop();
  other = undefined;
});

function running(): Product {
  if (product === undefined) throw new Error('the first did not start');
  return product;
}

function environment(at: string): Record<string, string> {
  const { PATH = '', HOME = '', OPMAS_NATS_BIN } = process.env;
  return {
    PATH,
    HOME,
    ...(OPMAS_NATS_BIN === undefined ? {} : { OPMAS_NATS_BIN }),
    OPMAS_DATA_DIR: join(at, 'data'),
    OPMAS_AGENTS_DIR: join(at, 'agents'),
    OPMAS_HTTP_PORT: '0',
    OPMAS_SYSLOG_PORT: '0',
  };
}

const localToken = () => readFileSync(join(home, 'data', 'run', 'local.token'), 'utf8').trim();

const identity = ({ agent_id, name, created_at }: Agent) => ({ agent_id, name, created_at });

/** Runs `opmas up` to its end. */
async function refused(env: Record<string, string>) {
  const child = spawn(process.execPath, [CLI, 'up'], {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    env,
    timeout: 60_000,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString('utf8');
    });
  }
  await once(child, 'close');
  return { code: child.exitCode, output };
}

/** Makes sure that somebody has it: this test, or whoever had it before. */
async function take(port: number): Promise<void> {
  const server = createServer((socket) => socket.destroy());
  blockers.push(server);
  server.listen(port, '127.0.0.1');
  await once(server, 'listening').catch((error: unknown) => {
    if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error;
  });
}
