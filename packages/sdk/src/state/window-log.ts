/** The file in which an agent's windows outlive its process: lines that are added, and now and then written anew. */
import { createReadStream } from 'node:fs';
import { type FileHandle, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';

/** Where windows are kept. One user at a time; every call waits for the one before. */
export interface WindowLog {
  /** Whoever gets it is the only one until `close`. False: another instance has it. */
  take(): Promise<boolean>;
  /** Every whole line, in order; none when there is nothing yet. */
  read(each: (line: string) => void): Promise<void>;
  /** Adds lines; resolves when they would survive a power failure. After a rejection only `replace` is in order. */
  append(lines: readonly string[]): Promise<void>;
  /** Replaces everything, whole or not at all. Asks for one piece after another. */
  replace(pieces: Iterable<readonly string[]>): Promise<void>;
  /** Bytes. */
  readonly size: number;
  close(): Promise<void>;
}

/** The first line; a file of another format is not read. */
const HEADER = '{"format":"opmas-windows","version":1}';

export class WindowFile {
  readonly #path: string;
  #file: FileHandle | undefined;
  #size = 0;

  constructor(path: string) {
    this.#path = path;
  }

  get size(): number {
    return this.#size;
  }

  async read(each: (line: string) => void): Promise<void> {
    if (!(await exists(this.#path))) return;
    const input = createReadStream(this.#path, 'utf8');
    let first = true;
    for await (const line of createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })) {
      if (first) {
        first = false;
        if (line !== HEADER) return;
      } else each(line);
    }
  }

  async append(lines: readonly string[]): Promise<void> {
    this.#file ??= await open(this.#path, 'a', 0o600);
    await this.#write(this.#file, lines);
    await this.#file.datasync();
  }

  async replace(pieces: Iterable<readonly string[]>): Promise<void> {
    await mkdir(dirname(this.#path), { recursive: true, mode: 0o700 });
    const path = `${this.#path}.new`;
    await rm(path, { force: true });
    const next = await open(path, 'ax', 0o600);
    try {
      this.#size = 0;
      await this.#write(next, [HEADER]);
      for (const lines of pieces) await this.#write(next, lines);
      await next.datasync();
      await rename(path, this.#path);
    } catch (error) {
      await next.close();
      throw error;
    }
    await this.#file?.close();
    this.#file = next;
    const folder = await open(dirname(this.#path), 'r');
    try {
      await folder.sync();
    } finally {
      await folder.close();
    }
  }

  async close(): Promise<void> {
    await this.#file?.close();
    this.#file = undefined;
  }

  async #write(file: FileHandle, lines: readonly string[]): Promise<void> {
    if (lines.length === 0) return;
    const text = Buffer.from(`${lines.join('\n')}\n`);
    await file.appendFile(text);
    this.#size += text.length;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
    throw error;
  }
}
