import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { refuseUnreadable } from './unreadable.ts';

/** All a connection is told until the server ends it, having sent this and no more. */
async function told(sent: string): Promise<string> {
  const server = createServer({ headersTimeout: 50, connectionsCheckingInterval: 10 });
  server.on('clientError', refuseUnreadable);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void server.close());
  const { port } = server.address() as AddressInfo;
  const socket = connect(port, '127.0.0.1');
  let said = '';
  socket.setEncoding('utf8').on('data', (text: string) => {
    said += text;
  });
  if (sent !== '') socket.write(sent);
  await once(socket, 'close');
  socket.destroy();
  return said;
}

test('a connection on which nothing came ends without a word: it could be taken for an answer', async () => {
  expect(await told('')).toBe('');
});

test('a request that is not sent to its end is told that it came too late', async () => {
  const said = await told('GET / HTTP/1.1\r\nHost:');
  expect(said).toMatch(/^HTTP\/1\.1 400 /);
  expect(said).toContain('did not arrive in time');
});
