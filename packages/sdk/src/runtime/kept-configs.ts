/** The configurations an agent keeps, as a file of its folder whose content is vouched for by a checksum. */
import { configHash } from '../config.ts';
import { AgentError } from '../errors.ts';
import type { KeptConfigs } from './runtime.ts';
import type { StateFolder } from './state-folder.ts';

/** @throws {AgentError} OPMAS_INVALID_FORMAT when the file is damaged or was changed */
export async function readKept(folder: StateFolder): Promise<KeptConfigs | undefined> {
  const stored = await folder.config.read();
  if (stored === undefined) return undefined;
  if (!('checksum' in stored)) {
    return { current: { ...stored, healthy: true, starts: 0 }, healthy: null, failed: [] };
  }
  const { checksum, ...kept } = stored;
  if (configHash(kept) === checksum) return kept;
  throw new AgentError(
    'OPMAS_INVALID_FORMAT',
    'config.json was changed or is damaged: its checksum is not that of its content',
  );
}

/** Whole or not at all. */
export async function writeKept(
  folder: StateFolder,
  { current, healthy, failed }: KeptConfigs,
): Promise<void> {
  const kept = { current, healthy, failed: [...failed] };
  // As it will be read: what JSON leaves out must not count.
  const checksum = configHash(JSON.parse(JSON.stringify(kept)) as typeof kept);
  await folder.config.write({ ...kept, checksum });
}
