/** Checkpoints outside the database: who can write every table still cannot take back what was vouched for here. */
import { createReadStream } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { Checkpoint } from '@opmas/keyring';
import { check } from '@opmas/protocol';

export interface CheckpointFile {
  /** On disk before it returns. */
  append(checkpoint: Checkpoint): Promise<void>;
  /** Those about links `from` to `to`, and the furthest of all. */
  read(
    from: number,
    to: number,
  ): Promise<{ between: Checkpoint[]; furthest: Checkpoint | undefined }>;
}

export function checkpointFile(path: string): CheckpointFile {
  return {
    append: async (checkpoint) => {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      const file = await open(path, 'a+', 0o600);
      try {
        // A crash may have left half a line: the next one begins on its own.
        const { size } = await file.stat();
        const last = Buffer.alloc(1);
        if (size > 0) await file.read(last, 0, 1, size - 1);
        const start = size === 0 || last[0] === 0x0a ? '' : '\n';
        await file.appendFile(`${start}${JSON.stringify(checkpoint)}\n`);
        await file.datasync();
      } finally {
        await file.close();
      }
    },
    read: async (from, to) => {
      const between: Checkpoint[] = [];
      let furthest: Checkpoint | undefined;
      for await (const checkpoint of lines(path)) {
        if (checkpoint.seq >= from && checkpoint.seq <= to) between.push(checkpoint);
        if (furthest === undefined || checkpoint.seq > furthest.seq) furthest = checkpoint;
      }
      return { between, furthest };
    },
  };
}

/** A line that is no checkpoint counts as one that was deleted: there is nothing it could vouch for. */
async function* lines(path: string): AsyncGenerator<Checkpoint> {
  const input = createReadStream(path, { encoding: 'utf8' });
  try {
    for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
      const value = parsed(line);
      if (check(Checkpoint, value)) yield value;
    }
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ENOENT') throw error;
  } finally {
    input.destroy();
  }
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
