/** A taken port is refused by naming who has it. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { freePort } from '@opmas/testkit';
import { expect, test } from 'vitest';
import { requirePort } from './port-holder.ts';

const need = { host: '127.0.0.1', what: 'the test', setting: 'OPMAS_X_PORT' };

test('a taken TCP port names its holder and the setting', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  await expect(requirePort({ ...need, protocol: 'tcp', port })).rejects.toMatchObject({
    code: 'port_taken',
    message: expect.stringContaining(`process ${process.pid} (`) as string,
    fix: expect.stringContaining('OPMAS_X_PORT') as string,
  });
  await requirePort({ ...need, protocol: 'udp', port });
  server.close();
});

test('a taken UDP port too', async () => {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  await expect(requirePort({ ...need, protocol: 'udp', port })).rejects.toThrow(
    `process ${process.pid} (`,
  );
  socket.close();
});

test('a free port, and port 0, pass', async () => {
  await requirePort({ ...need, protocol: 'tcp', port: await freePort() });
  await requirePort({ ...need, protocol: 'tcp', port: 0 });
});
