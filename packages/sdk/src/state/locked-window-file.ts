/** A window file of a folder, for one instance at a time. */
import { join } from 'node:path';
import { type InstanceLock, instanceLock } from './instance-lock.ts';
import { WindowFile, type WindowLog } from './window-log.ts';

export class LockedWindowFile implements WindowLog {
  readonly #dir: string;
  readonly #file: WindowFile;
  #lock: InstanceLock | undefined;

  constructor(dir: string) {
    this.#dir = dir;
    this.#file = new WindowFile(join(dir, 'windows.jsonl'));
  }

  get size(): number {
    return this.#file.size;
  }

  async take(): Promise<boolean> {
    this.#lock ??= await instanceLock(this.#dir);
    return this.#lock !== undefined;
  }

  read(each: (line: string) => void): Promise<void> {
    return this.#file.read(each);
  }

  append(lines: readonly string[]): Promise<void> {
    return this.#file.append(lines);
  }

  replace(pieces: Iterable<readonly string[]>): Promise<void> {
    return this.#file.replace(pieces);
  }

  async close(): Promise<void> {
    await this.#file.close();
    await this.#lock?.release();
    this.#lock = undefined;
  }
}
