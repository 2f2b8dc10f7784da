/** Temporary folders that go away with the test. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface TempDir {
  path: string;
  /** Removes it; may be called twice, and works as `using`. */
  remove(): void;
  [Symbol.dispose](): void;
}

/** A private folder under the temporary one (short, so that sockets fit in it). */
export function tempDir(label = 't'): TempDir {
  const path = mkdtempSync(join(tmpdir(), `opmas-${label}-`));
  const remove = () => rmSync(path, { recursive: true, force: true, maxRetries: 5 });
  return { path, remove, [Symbol.dispose]: remove };
}
