/** The broker's port: chosen once and kept, because running agents reconnect to it for ever. */
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { readText, writePrivate } from '../data/files.ts';
import { errnoOf } from '../errors.ts';

/** Below the range from which systems give ports to outgoing connections, which could take ours while we are down. */
const RANGE = { from: 20_000, to: 30_000, attempts: 200 };

/** The port kept in `file` if it is free, else a free one, kept from now on. */
export async function keptPort(file: string, host: string): Promise<number> {
  const kept = Number(readText(file)?.trim());
  if (Number.isInteger(kept) && kept > 0 && kept < 65_536 && (await isFree(kept, host)))
    return kept;
  for (let attempt = 0; attempt < RANGE.attempts; attempt += 1) {
    const port = randomInt(RANGE.from, RANGE.to);
    if (!(await isFree(port, host))) continue;
    writePrivate(file, `${port}\n`);
    return port;
  }
  throw new Error(`no free port between ${RANGE.from} and ${RANGE.to}`);
}

/** Can a TCP server listen there now? */
export async function isFree(port: number, host: string): Promise<boolean> {
  const server = createServer();
  try {
    server.listen({ port, host, exclusive: true });
    await once(server, 'listening');
    return true;
  } catch (error) {
    if (errnoOf(error) === 'EADDRINUSE' || errnoOf(error) === 'EACCES') return false;
    throw error;
  } finally {
    server.close();
  }
}
