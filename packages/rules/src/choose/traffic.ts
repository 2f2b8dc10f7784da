/** Knows how often runs of four characters occur in log lines, so that rules are looked for by what is rare. */
import { limits } from '../limits.ts';
import { TYPICAL_LINES } from './typical-lines.ts';

const BITS = 15;
export const GRAM = 4;

/**
 * Counts of all runs of four characters, letters of both cases alike, in a table of 32,768 cells: two runs
 * may share a cell, which then looks more frequent than either.
 */
export class Traffic {
  readonly #counts = new Uint32Array(1 << BITS);
  #lines = 0;

  /** Lines counted, older ones less. */
  get lines(): number {
    return this.#lines;
  }

  /** Counts one line; of a long one the beginning. */
  observe(line: string): void {
    const length = Math.min(line.length, limits.observedChars);
    let gram = 0;
    for (let at = 0; at < length; at++) {
      gram = (gram << 8) | fold(line.charCodeAt(at) & 255);
      if (at >= GRAM - 1) this.#counts[cellOf(gram)] = (this.#counts[cellOf(gram)] ?? 0) + 1;
    }
    this.#lines += 1;
    if (this.#lines >= limits.observedLines) this.#forget();
  }

  /** How often per line each run of four characters of `text` occurs, by where it begins. */
  frequencies(text: string): Float64Array {
    const result = new Float64Array(Math.max(0, text.length - GRAM + 1));
    const lines = Math.max(1, this.#lines);
    let gram = 0;
    for (let at = 0; at < text.length; at++) {
      gram = (gram << 8) | fold(text.charCodeAt(at) & 255);
      const from = at - GRAM + 1;
      if (from >= 0) result[from] = (this.#counts[cellOf(gram)] ?? 0) / lines;
    }
    return result;
  }

  /** What was seen long ago counts half of what comes now. */
  #forget(): void {
    this.#counts.forEach((count, cell) => {
      this.#counts[cell] = count >> 1;
    });
    this.#lines >>= 1;
  }
}

/** Before any traffic was seen: what routers usually say. */
export function typicalTraffic(): Traffic {
  const traffic = new Traffic();
  for (const line of TYPICAL_LINES) traffic.observe(line);
  return traffic;
}

function fold(code: number): number {
  return code >= 65 && code <= 90 ? code | 32 : code;
}

function cellOf(gram: number): number {
  return Math.imul(gram, 0x9e3779b1) >>> (32 - BITS);
}
