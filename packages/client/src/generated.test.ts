/** What is generated is what the code says now. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { tempDir } from '@opmas/testkit';
import { expect, test } from 'vitest';

const ROOT = join(import.meta.dirname, '../../..');
const PLACES = ['docs/reference', 'packages/client/src/generated'];

test('the API file, the client and the reference are up to date (node scripts/generate.ts)', () => {
  using made = tempDir('generate');
  execFileSync(process.execPath, ['scripts/generate.ts', made.path], { cwd: ROOT, stdio: 'pipe' });
  for (const place of PLACES) {
    const fresh = filesOf(join(made.path, place));
    expect(fresh.size).toBeGreaterThan(3);
    const committed = filesOf(join(ROOT, place));
    for (const [name, text] of fresh) {
      expect(committed.get(name), `${place}/${name}`).toBe(text);
    }
  }
  const client = PLACES[1] ?? '';
  expect([...filesOf(join(ROOT, client)).keys()].toSorted()).toEqual(
    [...filesOf(join(made.path, client)).keys()].toSorted(),
  );
}, 180_000);

function filesOf(folder: string): Map<string, string> {
  return new Map(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((path) => [path.slice(folder.length + 1), readFileSync(path, 'utf8')]),
  );
}
