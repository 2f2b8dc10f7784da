/** A package that brings a schema of its configuration: from its folder to a refused document. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Agent } from '@opmas/protocol';
import { waitFor } from '@opmas/testkit';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { itemsOf, LONG, registeredAgent } from './testing/fleet.ts';
import { type TestServer, testServer } from './testing/server.ts';

let server: TestServer;
let camera: Agent;
let plain: Agent;
beforeAll(async () => {
  server = await testServer();
  write('camera', '1.0.0', {
    type: 'object',
    properties: { channel: { type: 'integer', minimum: 1, maximum: 13 } },
  });
  camera = await registeredAgent(server, 'Camera');
  plain = await registeredAgent(server, 'Plain');
});
afterAll(() => server.stop());

/** Writes the schema into the folder that `registeredAgent` makes the package in. */
function write(folder: string, version: string, schema: unknown): void {
  const dir = join(server.agentsDir, folder);
  mkdirSync(dir, { recursive: true });
  const text = typeof schema === 'string' ? schema : JSON.stringify(schema);
  writeFileSync(join(dir, 'config.schema.json'), text);
  if (version === '1.0.0') return;
  writeFileSync(
    join(dir, '.env.discovery'),
    `AGENT_NAME=Camera\nAGENT_VERSION=${version}\nAGENT_DESCRIPTION=Test\nAGENT_TYPE=test\n` +
      'DEFAULT_SUBSCRIBED_TOPICS=logs.security\nDEFAULT_FINDINGS_TOPIC=findings.security\n',
  );
}

const put = (path: string, body: unknown) => server.call('PUT', `/api/v1${path}`, { body });
const own = ({ agent_id }: Agent) => `/agents/${agent_id}/config`;
const cameraPackage = async () => {
  const { body } = await server.call('GET', '/api/v1/packages');
  return itemsOf<{ name: string; state: string; errors: { code: string; message: string }[] }>(
    body,
  ).find(({ name }) => name === 'Camera');
};

test('unknown keys, wrong types and ranges are refused with path and reason', async () => {
  expect(await put(own(camera), { channel: 11 })).toMatchObject({ status: 200 });
  for (const [body, path] of [
    [{ channel: 14 }, 'channel'],
    [{ channel: 'eleven' }, 'channel'],
    [{ chanel: 11 }, ''],
    [{ processing: { batchsize: 1 } }, 'processing'],
  ] as const) {
    const refused = await put(own(camera), body);
    expect(refused).toMatchObject({
      status: 400,
      body: { code: 'OPMAS_INVALID_CONFIGURATION', errors: [{ path }] },
    });
  }
  expect(await put(own(plain), { chanel: 11 })).toMatchObject({ status: 200 });
  // For the fleet it is refused too: the one agent could not live with it.
  expect(await put('/config', { chanel: 20 })).toMatchObject({
    status: 400,
    body: { detail: expect.stringContaining('Camera') },
  });
  const schema = await server.call('GET', `/api/v1${own(camera)}/schema`);
  expect(schema.body).toMatchObject({
    additionalProperties: false,
    properties: { channel: { maximum: 13 } },
  });
});

test('a schema that is none makes the package invalid, and says where', async () => {
  write('camera', '1.1.0', { properties: { channel: { type: 'whole' } } });
  const found = await waitFor(async () => {
    const pkg = await cameraPackage();
    return pkg?.state === 'invalid' ? pkg : undefined;
  }, LONG);
  expect(found.errors).toMatchObject([
    {
      code: 'invalid_config_schema',
      message: expect.stringContaining('config.schema.json at properties.channel.type'),
    },
  ]);
  expect(await put(own(camera), { channel: 12 })).toMatchObject({ status: 200 });
});

test('a new version whose schema refuses what is set does not start, and says why', async () => {
  write('camera', '1.2.0', { properties: { channel: { type: 'integer', maximum: 3 } } });
  const found = await waitFor(async () => {
    const pkg = await cameraPackage();
    return pkg?.errors.some(({ code }) => code === 'registration_refused') ? pkg : undefined;
  }, LONG);
  expect(JSON.stringify(found.errors)).toContain('channel');
  // Once the configuration is mended it goes on by itself: the schema in force is still the old one.
  expect(await put(own(camera), { channel: 2 })).toMatchObject({ status: 200 });
});
