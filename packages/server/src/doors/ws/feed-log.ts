/** The recent past of the feed in memory: what a client that comes back is sent. Pure. */
import type { FeedMessage } from '@opmas/protocol';

export interface FeedEntry {
  sequence: number;
  topic: string;
  message: FeedMessage;
}

/** A ring of the newest entries of one epoch. */
export class FeedLog {
  readonly #capacity: number;
  #entries: FeedEntry[] = [];
  #epoch = '0';
  #last = 0;
  /** Everything after this sequence is here; sequences in between belong to what no client hears. */
  #complete = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** A new epoch (the stream was made anew) makes every older cursor worthless. */
  start(epoch: string, lastSequence: number): void {
    this.#epoch = epoch;
    this.#last = lastSequence;
    this.#complete = lastSequence;
    this.#entries = [];
  }

  /** The cursor of the newest entry. */
  cursor(): string {
    return this.cursorOf(this.#last);
  }

  cursorOf(sequence: number): string {
    return `${this.#epoch}.${sequence}`;
  }

  /** False for a sequence that was added before. */
  add(entry: FeedEntry): boolean {
    if (entry.sequence <= this.#last && this.#entries.some((e) => e.sequence === entry.sequence)) {
      return false;
    }
    this.#entries.push(entry);
    this.#last = Math.max(this.#last, entry.sequence);
    if (this.#entries.length > this.#capacity * 1.25) {
      const kept = this.#entries.slice(-this.#capacity);
      this.#complete = this.#entries[this.#entries.length - kept.length - 1]?.sequence ?? 0;
      this.#entries = kept;
    }
    return true;
  }

  /** Everything after `cursor`, or undefined when it is foreign or too old: send a snapshot. */
  since(cursor: string): FeedEntry[] | undefined {
    const match = /^([0-9a-z]{1,32})\.(\d{1,15})$/.exec(cursor);
    if (match === null || match[1] !== this.#epoch) return undefined;
    const sequence = Number(match[2]);
    if (sequence > this.#last || sequence < this.#complete) return undefined;
    return this.#entries.filter((entry) => entry.sequence > sequence);
  }
}
