/** The agents directory: there, readable, and what of it is no valid package. */
import { accessSync, closeSync, constants, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { packagesList } from '@opmas/client';
import type { Settings } from '@opmas/launcher';
import { parseManifest, limits as wire } from '@opmas/protocol';
import type { Api } from '../api/api.ts';
import { collect } from '../api/pages.ts';
import { errnoOf, messageOf } from '../errors.ts';
import { limits } from '../limits.ts';
import { type Check, fail, ok, warn } from './check.ts';

/** `api`: of the OPMAS that runs, which has judged the packages; without it only their manifests are read. */
export async function checkAgentsDir(
  { agentsDir }: Settings,
  api: Api | undefined,
): Promise<Check> {
  let folders: string[];
  try {
    accessSync(agentsDir, constants.R_OK | constants.X_OK);
    folders = readdirSync(agentsDir, { withFileTypes: true })
      .filter((entry) => entry.isDirectory() && !/^[._]/.test(entry.name))
      .map((entry) => entry.name)
      .slice(0, limits.packages);
  } catch (error) {
    const why = errnoOf(error) === 'ENOENT' ? 'does not exist' : messageOf(error);
    return fail('agents directory', `${agentsDir} ${why}`, 'Create it, or set OPMAS_AGENTS_DIR.');
  }
  const faults = api === undefined ? manifestFaults(agentsDir, folders) : await judged(api);
  const count = folders.filter((name) => manifestOf(agentsDir, name) !== undefined).length;
  const detail = `${count} package${count === 1 ? '' : 's'} in ${agentsDir}`;
  if (faults.length > 0) {
    return warn(
      'agents directory',
      `${detail}; invalid: ${faults.join('; ')}`,
      'Correct them: they do not run.',
    );
  }
  if (count === 0) return warn('agents directory', detail, 'Make one: opmas init agent NAME');
  return ok('agents directory', detail);
}

function manifestFaults(agentsDir: string, folders: readonly string[]): string[] {
  return folders.flatMap((name) => {
    const bytes = manifestOf(agentsDir, name);
    if (bytes === undefined) return [];
    const parsed = parseManifest(bytes, name);
    return parsed.ok ? [] : [`${name} (${parsed.errors[0]?.message ?? 'invalid'})`];
  });
}

/** Undefined: no package. */
function manifestOf(agentsDir: string, name: string): Uint8Array | undefined {
  const path = join(agentsDir, name, '.env.discovery');
  try {
    return beginningOf(path);
  } catch {
    return undefined; // unreadable ones are told by the server, which may read more or less than we
  }
}

/** One byte more than allowed is enough to be found too large. */
function beginningOf(path: string): Uint8Array {
  const bytes = new Uint8Array(wire.manifestBytes + 1);
  const fd = openSync(path, 'r');
  try {
    return bytes.subarray(0, readSync(fd, bytes));
  } finally {
    closeSync(fd);
  }
}

async function judged(api: Api): Promise<string[]> {
  const invalid = await collect(limits.packages, (query) =>
    api.call((client) => packagesList({ client, query: { ...query, state: 'invalid' } })),
  );
  return invalid.map(({ name, errors }) => `${name} (${errors[0]?.message ?? 'invalid'})`);
}
