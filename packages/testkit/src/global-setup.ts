/**
 * vitest globalSetup: one PostgreSQL for the whole run, started by the first test that asks for it.
 * Test files run in processes of their own, so they ask over a socket; this process owns the server.
 */
import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { limits } from './limits.ts';
import { type SharedServer, startSharedServer } from './shared-postgres.ts';
import { tempDir } from './temp-dir.ts';

/** Names the run's socket to the test processes. */
export const RUN_SOCKET = 'OPMAS_TESTKIT_SOCKET';

/** Names the folder for compiled sources that all products of the run share. */
export const RUN_COMPILE_CACHE = 'OPMAS_TESTKIT_COMPILE_CACHE';

export default async function setup(): Promise<() => Promise<void>> {
  const dir = tempDir('run');
  let postgres: Promise<SharedServer> | undefined;
  const server = createServer((socket) => {
    socket.on('error', () => {}); // a test process that is gone needs no answer
    socket.setTimeout(0);
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('utf8');
      if (text.length > limits.requestBytes) socket.destroy();
      if (text.trim() !== 'postgres') return;
      postgres ??= startSharedServer(join(dir.path, 'pg'));
      postgres.then(
        ({ superUrl, migrateUrl, url }) =>
          socket.end(JSON.stringify({ superUrl, migrateUrl, url })),
        (error: unknown) => socket.end(JSON.stringify({ error: String(error) })),
      );
    });
  });
  await listen(server, join(dir.path, 'run.sock'));
  process.env[RUN_SOCKET] = join(dir.path, 'run.sock');
  process.env[RUN_COMPILE_CACHE] = join(dir.path, 'compile-cache');
  return async () => {
    server.close();
    const running = await postgres?.catch(() => undefined);
    await running?.stop();
    dir.remove();
  };
}

async function listen(server: Server, path: string): Promise<void> {
  server.listen(path);
  await once(server, 'listening');
}
