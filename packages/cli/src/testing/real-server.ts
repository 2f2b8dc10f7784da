/** A shell beside a real server, whose agents are only rows. */
import type { TestServer } from '@opmas/server/testing';
import type { TempDir } from '@opmas/testkit';
import { type Outcome, runLine } from './bench.ts';

/** Adds an agent that never starts, and so confirms nothing. */
export async function addRow(
  server: TestServer,
  agent: { id: string; name: string; tags?: string[] },
): Promise<void> {
  const at = new Date();
  await server.database.pool
    .insertInto('agents')
    .values({
      tags: [],
      ...agent,
      type: 'wifi',
      version: '1.0.0',
      status: 'registered',
      reason: null,
      host_id: null,
      package_path: null,
      package_digest: null,
      package_dir: null,
      config_hash: null,
      instance_id: null,
      pid: null,
      created_at: at,
      updated_at: at,
    })
    .execute();
}

/** Runs a command line in `place`, as the owner of the server; it is asked for at each line. */
export function shellFor(server: () => TestServer, place: TempDir) {
  return (args: string[], env: Record<string, string> = {}, stdin = ''): Promise<Outcome> =>
    runLine(args, {
      cwd: place.path,
      stdin,
      env: {
        PATH: process.env['PATH'] ?? '',
        HOME: place.path,
        OPMAS_URL: server().url,
        OPMAS_DATA_DIR: `${place.path}/none`,
        OPMAS_TOKEN: server().ownerToken,
        ...env,
      },
    });
}
