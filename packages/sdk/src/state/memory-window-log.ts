/** A window log in memory, for tests: hand it to the next agent to play a restart. */
import type { WindowLog } from './window-log.ts';

export class MemoryWindowLog implements WindowLog {
  readonly lines: string[] = [];
  /** Set: writes fail with it. */
  failure: Error | undefined;
  /** Another instance has it. */
  taken = false;
  size = 0;

  async take(): Promise<boolean> {
    if (this.taken) return false;
    this.taken = true;
    return true;
  }

  async read(each: (line: string) => void): Promise<void> {
    for (const line of this.lines) each(line);
  }

  async append(lines: readonly string[]): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
    for (const line of lines) {
      this.lines.push(line);
      this.size += line.length + 1;
    }
  }

  async replace(pieces: Iterable<readonly string[]>): Promise<void> {
    if (this.failure !== undefined) throw this.failure;
    this.lines.length = 0;
    this.size = 0;
    for (const lines of pieces) await this.append(lines);
  }

  async close(): Promise<void> {
    this.taken = false;
  }
}
