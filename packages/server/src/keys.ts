/** Secrets in the data folder: made once, readable by their owner alone. */
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, open, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

const KEY_BYTES = 32;

/** This server's name among its replicas; the same after a restart. */
export async function serverId(dataDir: string): Promise<string> {
  const text = await readOrMake(
    join(dataDir, 'run', 'server-id'),
    () => `${randomBytes(6).toString('hex')}\n`,
  );
  return (
    text
      .trim()
      .replaceAll(/[^A-Za-z0-9_-]/g, '')
      .slice(0, 32) || 'server'
  );
}

/** The code of the set-up link: the same until it is used, so that a printed link stays good. */
export async function setupCode(dataDir: string): Promise<string> {
  const text = await readOrMake(
    join(dataDir, 'run', 'setup.code'),
    () => `${randomBytes(KEY_BYTES).toString('base64url')}\n`,
  );
  return text.trim();
}

/** The token by which the owner of the data folder is an administrator; a new one each start. */
export async function localToken(dataDir: string): Promise<string> {
  const token = randomBytes(KEY_BYTES).toString('base64url');
  const path = join(dataDir, 'run', 'local.token');
  await mkdir(dirname(path), { recursive: true });
  await writeFile(`${path}.new`, `${token}\n`, { mode: 0o600 });
  await chmod(`${path}.new`, 0o600);
  await rename(`${path}.new`, path);
  return token;
}

async function readOrMake(path: string, make: () => string): Promise<string> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  try {
    const file = await open(path, 'wx', 0o600);
    try {
      const text = make();
      await file.writeFile(text);
      await file.sync();
      return text;
    } finally {
      await file.close();
    }
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'EEXIST') throw error;
    return readFile(path, 'utf8');
  }
}
