/** The host's memory: what it was told, what it started, how often that failed; one JSON file, replaced whole. */
import { mkdir, open, readFile, rename, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { check, faultsOf, type Static, Type } from '@opmas/protocol';
import { AgentRecord } from './instance.ts';
import { limits } from './limits.ts';

export const RunState = Type.Object({
  version: Type.Literal(1),
  host_id: Type.String(),
  boot_id: Type.String(),
  agents: Type.Record(Type.String(), AgentRecord),
});
export type RunState = Static<typeof RunState>;

export interface RunFile {
  /**
   * Resolves when everything that `snapshot` gives at the time of the call is on disk. Calls made
   * while a write is under way share the next one.
   */
  save(): Promise<void>;
}

/** Writes what `snapshot` gives to `path` (0600): a temporary file, fsync, rename. */
export function runFile(path: string, snapshot: () => RunState): RunFile {
  let writing: Promise<void> | undefined;
  let next: Promise<void> | undefined;
  const write = async () => {
    const temporary = `${path}.tmp`;
    const file = await open(temporary, 'w', 0o600);
    try {
      await file.writeFile(JSON.stringify(snapshot()));
      await file.datasync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  };
  const begin = () => {
    writing = write().finally(() => {
      writing = undefined;
    });
    return writing;
  };
  return {
    save() {
      if (writing === undefined) return begin();
      next ??= writing
        .catch(() => undefined)
        .then(() => {
          next = undefined;
          return begin();
        });
      return next;
    },
  };
}

export type Loaded =
  | { kind: 'none' }
  | { kind: 'loaded'; state: RunState }
  /** Unreadable: it was moved to `kept` and the host starts without memory. */
  | { kind: 'bad'; reason: string; kept: string };

/** Reads the run file of an earlier host. Never throws for its content. */
export async function loadRunFile(path: string, hostId: string): Promise<Loaded> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  let text: string;
  try {
    const { size } = await stat(path);
    if (size > limits.runFileBytes) return await setAside(path, `${size} bytes: too large`);
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT')
      return { kind: 'none' };
    throw error;
  }
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (error) {
    return await setAside(path, error instanceof Error ? error.message : String(error));
  }
  if (!check(RunState, data)) {
    const first = faultsOf(RunState, data)[0];
    return await setAside(
      path,
      `${first?.path ?? ''} ${first?.message ?? 'not a run file'}`.trim(),
    );
  }
  if (data.host_id !== hostId) {
    return await setAside(path, `it belongs to host ${data.host_id}, this is ${hostId}`);
  }
  return { kind: 'loaded', state: data };
}

async function setAside(path: string, reason: string): Promise<Loaded> {
  const kept = `${path}.bad`;
  await rename(path, kept);
  return { kind: 'bad', reason, kept };
}
