/** The one PostgreSQL of a test run, and the addresses that reach it. */
import { connect } from 'node:net';
import { embeddedPostgres } from '@opmas/launcher';
import { parse, type Static, Type } from '@opmas/protocol';
import { limits } from './limits.ts';

const Addresses = Type.Object({
  superUrl: Type.String(),
  migrateUrl: Type.String(),
  url: Type.String(),
});
export type Addresses = Static<typeof Addresses>;

export interface SharedServer extends Addresses {
  stop(): Promise<void>;
}

/** Starts a server without fsync in `dataDir`. */
export async function startSharedServer(dataDir: string): Promise<SharedServer> {
  return embeddedPostgres({
    dataDir,
    durable: false,
    maxConnections: limits.postgresConnections,
  });
}

/** Asks the run's owner for the server, which starts it if nobody asked before. */
export async function askForServer(socketPath: string): Promise<Addresses> {
  const text = await new Promise<string>((resolve, reject) => {
    let answer = '';
    const socket = connect(socketPath, () => socket.write('postgres\n'));
    socket.on('data', (chunk) => {
      answer += chunk.toString('utf8');
    });
    socket.on('end', () => resolve(answer));
    socket.on('error', reject);
  });
  const parsed = parse(Addresses, JSON.parse(text) as unknown);
  if (!parsed.ok) throw new Error(`the test run has no PostgreSQL: ${text}`);
  return parsed.value;
}
