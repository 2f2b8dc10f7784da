/** Who was let in and means harm: a package gets only its own work done, and who holds the database is found out. */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parse, Type } from '@opmas/protocol';
import { waitFor } from '@opmas/testkit';
import pg from 'pg';
import { describe, expect, test } from 'vitest';
import { checked } from './api.ts';
import { limits } from './limits.ts';
import { writePackage } from './package-files.ts';
import { CLI } from './product.ts';
import type { SharedProduct } from './shared-product.ts';

/** What the attacker was told beforehand: more than it could find out. */
interface Facts {
  data: string;
  marker: string;
  pids: Record<string, number>;
  neighbour: string;
  socket: string;
  url: string;
}

const attack = (facts: Facts) => `
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import net from 'node:net';
import { Worker } from 'node:worker_threads';
import { defineAgent } from '@opmas/sdk';

const facts = ${JSON.stringify(facts)};
const outcome: Record<string, string> = {};
async function attempt(name: string, work: () => unknown): Promise<void> {
  try {
    outcome[name] = 'GOT ' + String(await work()).slice(0, 100);
  } catch (error) {
    outcome[name] = (error as { code?: string }).code ?? String(error);
  }
}
const read = (path: string) => fs.readFileSync(path, 'utf8');

for (const [name, pid] of Object.entries(facts.pids)) {
  await attempt('environment of ' + name, () => read('/proc/' + pid + '/environ'));
  await attempt('folder of ' + name, () => fs.readdirSync('/proc/' + pid + '/cwd'));
  await attempt('descriptors of ' + name, () => fs.readdirSync('/proc/' + pid + '/fd'));
}
for (const path of ['keys/master.key', 'run/local.token', 'run/up.json', 'host-id']) {
  await attempt(path, () => read(facts.data + '/' + path));
}
await attempt('keys', () => fs.readdirSync(facts.data + '/keys'));
await attempt('database files', () => fs.readdirSync(facts.data + '/postgres'));
await attempt("a neighbour's identity", () => read(facts.neighbour));
await attempt('what lies above its folder', () => fs.readdirSync('../..'));
await attempt('a file anywhere', () => read('/etc/passwd'));
await attempt('shell', () => {
  const { error, stdout } = spawnSync('/bin/sh', ['-c', 'id; touch ' + facts.marker]);
  if (error !== undefined) throw error;
  return stdout;
});
await attempt('write anywhere', () => fs.writeFileSync(facts.marker, 'x'));
await attempt('write into its package', () => fs.appendFileSync(import.meta.filename, '// more'));
await attempt('worker', () => new Worker('0', { eval: true }).unref());
await attempt('API without a token', async () => {
  const { status } = await fetch(facts.url + '/api/v1/agents');
  if (status !== 200) throw new Error('status ' + status);
  return 'agents';
});
await attempt('database', () => new Promise((resolve, reject) => {
  const socket = net.connect(facts.socket);
  socket.on('error', reject).setTimeout(2000, () => reject(new Error('no answer')));
  const text = Buffer.from('user\\0opmas_app\\0database\\0opmas\\0\\0');
  const head = Buffer.alloc(8);
  head.writeInt32BE(8 + text.length, 0);
  head.writeInt32BE(196608, 4);
  socket.on('connect', () => socket.write(Buffer.concat([head, text])));
  socket.on('data', (data) => {
    socket.destroy();
    if (data[0] === 0x52 && data.readInt32BE(5) === 0) resolve('let in');
    else reject(new Error('asked for a password'));
  });
}));
await attempt('own work', () => {
  fs.writeFileSync('note', 'mine');
  return read('note');
});
fs.writeFileSync('outcome.json.part', JSON.stringify(outcome));
fs.renameSync('outcome.json.part', 'outcome.json');

export default defineAgent({ type: 'hostile' });
`;

export function hostileAgentSuite(shared: SharedProduct): void {
  describe('X22 malicious package code in a running product', () => {
    test('reads no secret, starts no program, writes nowhere else; its own work goes on', async () => {
      const marker = join(shared.product.home, 'marker');
      const neighbour = join(
        shared.product.dataDir,
        'agents',
        (await shared.product.agent('SecurityAgent')).agent_id,
        'identity.json',
      );
      const names = ['server', 'host', 'collector', 'nats', 'postgres'];
      const facts: Facts = {
        data: shared.product.dataDir,
        marker,
        pids: Object.fromEntries(names.map((name) => [name, shared.product.pidOf(name)])),
        neighbour,
        socket: databaseSocket(),
        url: shared.product.url,
      };
      // Everything that is tried is really there to be had.
      for (const path of [
        neighbour,
        facts.socket,
        join(shared.product.dataDir, 'keys', 'master.key'),
      ]) {
        expect([path, existsSync(path)]).toEqual([path, true]);
      }
      for (const pid of Object.values(facts.pids)) readFileSync(`/proc/${pid}/environ`);

      writePackage(shared.product.agentsDir, {
        folder: 'hostile',
        name: 'Hostile',
        code: attack(facts),
      });
      const agent = await shared.product.waitForAgent('Hostile');
      const file = join(shared.product.dataDir, 'agents', agent.agent_id, 'outcome.json');
      await waitFor(() => existsSync(file), { timeoutMs: limits.waitMs, what: 'its outcome' });
      const parsed = parse(
        Type.Record(Type.String(), Type.String()),
        JSON.parse(readFileSync(file, 'utf8')),
      );
      if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors));
      const outcome = parsed.value;
      expect(Object.keys(outcome).length).toBeGreaterThan(25);
      expect(Object.entries(outcome).filter(([, text]) => text.startsWith('GOT'))).toEqual([
        ['own work', 'GOT mine'],
      ]);
      expect(existsSync(marker)).toBe(false);

      const event_id = randomUUID();
      await shared.product.call('POST', '/api/v1/events?domain=hostile', {
        body: [{ event_id, message: 'hostile failed' }],
      });
      await waitFor(
        async () =>
          (await shared.product.findings()).some(
            (one) => one.agent_name === 'Hostile' && one.details['event_id'] === event_id,
          ),
        { timeoutMs: limits.waitMs, what: 'its finding' },
      );
    });

    test('a file changed in the store is not started, and made anew from the folder', {
      timeout: limits.agentsMs + limits.waitMs,
    }, async () => {
      const { agent_id, restarts } = await shared.product.agent('Hostile');
      const [file] = globSync(join(shared.product.dataDir, 'packages', 'hostile', '*', 'agent.ts'));
      if (file === undefined) throw new Error('no copy in the store');
      const before = readFileSync(file, 'utf8');
      // As root the mode of the file does not stop the writing; its owner could change it.
      writeFileSync(file, before.replace('hostile', 'HOSTILE'));
      await shared.product.call('POST', `/api/v1/agents/${agent_id}/restart`);
      await waitFor(() => readFileSync(file, 'utf8') === before, {
        timeoutMs: limits.waitMs,
        what: 'the copy as it was approved',
      });
      const well = await shared.product.waitForAgent(
        'Hostile',
        (agent) => agent.status === 'running' && agent.conditions.length === 0,
      );
      expect(well.restarts).toBeGreaterThanOrEqual(restarts);
      const audit = await shared.product.call('GET', `/api/v1/audit?action=packages.altered`);
      expect(JSON.stringify(audit.body)).toContain(agent_id);
    });
  });

  describe('X23 a superuser of the database in a running product', () => {
    test('cannot change a row of the audit log unseen: CLI, API and an export name it', async () => {
      const sql = await superuser();
      try {
        const { rows } = await sql.query<{ id: string; object: string }>(
          'SELECT id, object FROM audit_log JOIN audit_chain ON audit_id = id WHERE seq = 3',
        );
        const [row] = rows;
        if (row === undefined) throw new Error('nothing is chained');
        const fault = { kind: 'row_changed', seq: 3, audit_id: Number(row.id) };
        const change = (object: string) =>
          sql.query('UPDATE audit_log SET object = $1 WHERE id = $2', [object, row.id]);
        const file = join(shared.product.home, 'audit.ndjson');
        expect(await verified()).toMatchObject({ code: 0, body: { ok: true } });

        await change('nobody');
        expect(await verified()).toMatchObject({ code: 10, body: { ok: false, fault } });
        const answer = await shared.product.call('GET', '/api/v1/audit/verify');
        expect(answer.body).toMatchObject({ ok: false, fault });
        expect((await opmas('audit', 'export', '-o', file)).code).toBe(10);
        expect(await verified(file)).toMatchObject({ code: 10, body: { ok: false, fault } });

        await change(row.object);
        expect(await verified()).toMatchObject({ code: 0, body: { ok: true } });
      } finally {
        await sql.end();
      }
    });

    const verified = async (...file: string[]) => {
      const { code, out } = await opmas('audit', 'verify', ...file, '--json');
      return { code, body: JSON.parse(out) as unknown };
    };

    /** Ends as it ends: a fault that is found is an answer here. */
    async function opmas(...args: string[]): Promise<{ code: number; out: string }> {
      const child = spawn(process.execPath, [CLI, ...args, '--data-dir', shared.product.dataDir], {
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      let out = '';
      child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
        out += chunk;
      });
      await once(child, 'close');
      return { code: child.exitCode ?? -1, out };
    }

    async function superuser(): Promise<pg.Client> {
      const passwords = checked(
        Type.Object({ superuser: Type.String() }),
        JSON.parse(readFileSync(join(shared.product.dataDir, 'keys', 'postgres.json'), 'utf8')),
        'the passwords of the database',
      );
      const socket = databaseSocket();
      const client = new pg.Client({
        host: dirname(socket),
        port: Number(socket.split('.').at(-1)),
        user: 'opmas_super',
        password: passwords.superuser,
        database: 'opmas',
      });
      await client.connect();
      return client;
    }
  });

  /** Where the embedded PostgreSQL listens: its own note says so. */
  function databaseSocket(): string {
    const location = join(shared.product.dataDir, 'postgres', 'LOCATION');
    const home = existsSync(location)
      ? readFileSync(location, 'utf8').trim()
      : join(shared.product.dataDir, 'postgres');
    const [note] = globSync(join(home, '**', 'postmaster.pid'));
    if (note === undefined) throw new Error(`no postmaster.pid under ${home}`);
    const [, , , port, dir] = readFileSync(note, 'utf8').split('\n');
    return join(dir ?? '', `.s.PGSQL.${port}`);
  }
}
