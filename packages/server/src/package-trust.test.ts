/** A whole server and the files it lets run: approval as the API shows it, and a host that finds them altered. */
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Bus } from '@opmas/bus';
import { openKv } from '@opmas/bus';
import { digestOf, newSigningKey, readTree, SIGNATURE_FILE, signDigest } from '@opmas/keyring';
import {
  type Agent,
  type AgentPackage,
  DESIRED_BUCKET,
  type HostReport,
  type InstanceReport,
  PACKAGE_ALTERED,
  subjects,
} from '@opmas/protocol';
import { waitFor } from '@opmas/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { itemsOf, LONG, registeredAgent, testBus } from './testing/fleet.ts';
import { type TestServer, testServer } from './testing/server.ts';

let server: TestServer;
let bus: Bus;
let agent: Agent;
beforeAll(async () => {
  server = await testServer();
  bus = await testBus(server);
  agent = await registeredAgent(server, 'Watcher');
});
afterAll(async () => {
  await bus.close();
  await server.stop();
});

const api = (method: string, path: string, body?: unknown) =>
  server.call(method, `/api/v1${path}`, body === undefined ? {} : { body });
const packageNow = async () => {
  const packages = itemsOf<AgentPackage>((await api('GET', '/packages')).body);
  const found = packages.find((one) => one.name === 'Watcher');
  if (found === undefined) throw new Error('the package is not listed');
  return found;
};
const storedDir = async () => {
  const { path, digest } = await packageNow();
  return join(server.dataDir, 'packages', path.slice(path.lastIndexOf('/') + 1), digest ?? '');
};

describe('X22 what a host is told to run', () => {
  test('is named by the digest that was approved', async () => {
    const kv = openKv(bus, DESIRED_BUCKET);
    const { approved_digest, approved_by } = await packageNow();
    expect(approved_by).toBe('auto');
    const wish = await waitFor(async () => {
      const entry = await kv.get(`desired.local.${agent.agent_id}`);
      return entry === undefined ? undefined : JSON.parse(new TextDecoder().decode(entry.value));
    }, LONG);
    expect(wish).toMatchObject({ package_digest: approved_digest, package_dir: await storedDir() });
    expect(digestOf(await readTree(wish.package_dir))).toBe(approved_digest);
  });

  test('an approval names the files that were looked at, or is refused', async () => {
    const { digest } = await packageNow();
    const path = '/packages/Watcher/approve?digest=';
    expect((await api('POST', `${path}${'f'.repeat(64)}`)).body).toMatchObject({
      code: 'OPMAS_CONFLICT',
    });
    expect((await api('POST', `${path}${digest}`)).status).toBe(200);
    expect((await api('POST', `${path}x`)).status).toBe(400);
  });

  test('files a host found altered: quarantined, on record, and the copy is made anew', async () => {
    const file = join(await storedDir(), 'rules.json');
    const before = readFileSync(file, 'utf8');
    chmodSync(file, 0o600);
    writeFileSync(file, '[]');
    await report({ state: 'failed', reason: `${PACKAGE_ALTERED}: the files differ` });
    const quarantined = async () =>
      ((await api('GET', `/agents/${agent.agent_id}`)).body as Agent).conditions.find(
        (one) => one.type === 'quarantined',
      );
    expect(await waitFor(quarantined, LONG)).toMatchObject({ reason: PACKAGE_ALTERED });
    await waitFor(() => readFileSync(file, 'utf8') === before, LONG);
    const rows = await server.database.pool
      .selectFrom('audit_log')
      .select(['outcome', 'details'])
      .where('action', '=', 'packages.altered')
      .where('object', '=', agent.agent_id)
      .execute();
    expect(rows).toMatchObject([{ outcome: 'refused', details: { host: 'local' } }]);
    await report({ state: 'ready', reason: null });
    await waitFor(async () => (await quarantined()) === undefined, LONG);
  });

  async function report(more: Partial<InstanceReport>): Promise<void> {
    const now = new Date().toISOString();
    const instance: InstanceReport = {
      agent_id: agent.agent_id,
      agent_name: agent.name,
      instance_id: 'i1',
      pid: null,
      state: 'ready',
      reason: null,
      started_at: now,
      restarts: 0,
      next_start_at: null,
      generation: 1,
      ...more,
    };
    const message: HostReport = {
      host_id: 'local',
      hostname: 'h',
      boot_id: 'b',
      pid: 1,
      started_at: now,
      timestamp: now,
      instances: [instance],
    };
    bus.publish(subjects.hostActual('local'), JSON.stringify(message));
    await bus.flush();
  }
});

describe('X22 publishers over the API', () => {
  test('trust in a key shows at its packages at once, and goes with it', async () => {
    const { path, digest } = await packageNow();
    const key = newSigningKey();
    const signature = signDigest(digest ?? '', key.privateKey, new Date());
    writeFileSync(join(path, SIGNATURE_FILE), JSON.stringify(signature));
    const signer = (publisher: string | null) =>
      waitFor(async () => {
        const now = (await packageNow()).signature;
        return now?.key_id === key.keyId && now.publisher === publisher;
      }, LONG);
    await signer(null);
    const added = await api('POST', '/publishers', { name: 'Acme', public_key: key.publicKey });
    expect(added.status).toBe(201);
    await signer('Acme');
    expect((await api('DELETE', `/publishers/${key.keyId}`)).status).toBe(204);
    await signer(null);
    expect((await packageNow()).digest).toBe(digest);
  });
});
