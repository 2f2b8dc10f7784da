/** Where an agent's things lie in the data folder, and what of them the host looks at. */
import { mkdir, rm, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AUTHORITIES_FILE } from './authorities.ts';

export interface AgentFiles {
  stateDir: string;
  logFile: string;
}

/** What the handshake leaves in the state folder. */
const ENROLLMENT = ['identity.json', 'credentials.json'];
const CACHES = ['config.json', AUTHORITIES_FILE];

/** `dataDir` must be a real path: adoption compares it with what the kernel tells. */
export function agentFiles(
  dataDir: string,
  agent: { agent_id: string; agent_name: string },
): AgentFiles {
  return {
    stateDir: join(stateRoot(dataDir), agent.agent_id),
    logFile: join(dataDir, 'logs', 'agents', `${agent.agent_name}.log`),
  };
}

export const stateRoot = (dataDir: string): string => join(dataDir, 'agents');
export const runFilePath = (dataDir: string): string => join(dataDir, 'run', 'host.json');

/** Makes the state folder (0700) and says whether an earlier launch was enrolled. */
export async function prepareState(files: AgentFiles): Promise<{ enrolled: boolean }> {
  await mkdir(files.stateDir, { recursive: true, mode: 0o700 });
  const present = await Promise.all(ENROLLMENT.map((name) => exists(join(files.stateDir, name))));
  return { enrolled: present.every(Boolean) };
}

/** Removes the identity of an agent that is wanted no more; files of its own making stay. */
export async function forgetIdentity(files: AgentFiles): Promise<void> {
  for (const name of [...ENROLLMENT, ...CACHES])
    await rm(join(files.stateDir, name), { force: true });
  await rmdir(files.stateDir).catch((error: unknown) => {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code !== 'ENOENT' && code !== 'ENOTEMPTY') throw error;
  });
}

export async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch {
    return false;
  }
}
