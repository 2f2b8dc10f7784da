/** Checkpoints outside the database: who can write every table still cannot take back what was vouched for here. */
import { createReadStream } from 'node:fs';
import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Checkpoint } from '@opmas/keyring';
import { check } from '@opmas/protocol';
import { limits } from '../../kernel/limits.ts';
import { boundedLines } from './bounded-lines.ts';

export interface CheckpointFile {
  /** On disk before it returns. */
  append(checkpoint: Checkpoint): Promise<void>;
  /**
   * Those about links `from` to `to`, and the furthest of all. Of each link the first `checkpointsOfLink`: a
   * chain that is whole has one or two, and what was vouched for first is what a later line cannot take back.
   */
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
      const counts = new Map<number, number>();
      let furthest: Checkpoint | undefined;
      for await (const checkpoint of checkpoints(path)) {
        const { seq } = checkpoint;
        const count = counts.get(seq) ?? 0;
        if (seq >= from && seq <= to && count < limits.checkpointsOfLink) {
          counts.set(seq, count + 1);
          between.push(checkpoint);
        }
        if (furthest === undefined || seq > furthest.seq) furthest = checkpoint;
      }
      return { between, furthest };
    },
  };
}

/** A line that is no checkpoint counts as one that was deleted: there is nothing it could vouch for. */
async function* checkpoints(path: string): AsyncGenerator<Checkpoint> {
  const input = createReadStream(path);
  try {
    for await (const line of boundedLines(input, limits.checkpointBytes)) {
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
