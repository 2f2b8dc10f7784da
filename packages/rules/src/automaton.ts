/** Finds in one pass over a text which rules may match it, however many rules there are. */
import { equivalents } from './case-fold.ts';
import type { Filtered } from './prefilter.ts';
import { chooseWindows, type Needle } from './windows.ts';

/** No rule is looked for by more than this many kinds of characters; beyond, kinds are put together. */
const MAX_CLASSES = 255;

/**
 * Aho and Corasick's automaton (CACM 18(6), 1975) over a literal of each rule, as a full transition table.
 * Letters of both cases are one character to it, for all rules: it may name a rule that does not match,
 * and never leaves one out that does. A text costs time linear in its length, and in the rules named.
 */
export class Automaton {
  /** Rules to be tried on every text, ascending. */
  readonly #always: readonly number[];
  readonly #classOf = new Uint8Array(65_536);
  readonly #width: number;
  /** By state and class: where the next state's row begins; its complement when rules end there. */
  readonly #next: Int32Array;
  /** Rules whose needle ends in a state. */
  readonly #ends: (number[] | undefined)[] = [];
  /** The longest proper suffix of a state at which rules end; 0 when there is none. */
  readonly #suffix: Int32Array;
  /** When a state's rules were last collected, counted in texts. */
  readonly #seen: Uint32Array;
  #texts = 0;

  constructor(rules: readonly Filtered[]) {
    const literals: Needle[] = rules.flatMap(({ literals }, rule) =>
      (literals ?? []).map((text) => ({ rule, text })),
    );
    this.#width = 1 + this.#classify(literals);
    const { needles, left } = chooseWindows(literals, this.#width);
    const without = rules.flatMap(({ literals }, rule) => (literals?.length ? [] : [rule]));
    this.#always = ascending([...without, ...left]);
    const letters = needles.reduce((sum, { text }) => sum + text.length, 1);
    const trie = new Int32Array(letters * this.#width);
    const states = this.#plant(
      needles.filter(({ rule }) => !left.has(rule)),
      trie,
    );
    this.#next = trie.slice(0, states * this.#width);
    this.#suffix = new Int32Array(states);
    this.#seen = new Uint32Array(states);
    this.#link(states);
  }

  /** Rules that may match `text`, ascending, each once. */
  candidates(text: string): readonly number[] {
    const next = this.#next;
    const classOf = this.#classOf;
    let found: number[] | undefined;
    let row = 0;
    for (let i = 0; i < text.length; i++) {
      row = next[row + (classOf[text.charCodeAt(i)] ?? 0)] ?? 0;
      if (row < 0) {
        row = ~row;
        if (found === undefined) {
          found = [];
          this.#newText();
        }
        this.#collect(row / this.#width, found);
      }
    }
    return found === undefined ? this.#always : ascending([...found, ...this.#always]);
  }

  #newText(): void {
    this.#texts = (this.#texts + 1) >>> 0;
    if (this.#texts !== 0) return;
    this.#seen.fill(0);
    this.#texts = 1;
  }

  /** A state is looked at once per text: repetitions in a hostile line cost nothing. */
  #collect(from: number, found: number[]): void {
    for (let state = from; state !== 0; state = this.#suffix[state] ?? 0) {
      if (this.#seen[state] === this.#texts) return;
      this.#seen[state] = this.#texts;
      for (const rule of this.#ends[state] ?? []) found.push(rule);
    }
  }

  /** Gives each kind of character that occurs a class from 1 on; all others have class 0. */
  #classify(literals: readonly Needle[]): number {
    let classes = 0;
    for (const { text } of literals) {
      for (let i = 0; i < text.length; i++) {
        const code = text.charCodeAt(i);
        if (this.#classOf[code] !== 0) continue;
        const id = (classes++ % MAX_CLASSES) + 1;
        for (const same of equivalents(code)) this.#classOf[same] = id;
      }
    }
    return Math.min(classes, MAX_CLASSES);
  }

  /** Builds the trie of `needles` in `trie`; returns the number of its states. */
  #plant(needles: readonly Needle[], trie: Int32Array): number {
    let states = 1;
    for (const { rule, text } of needles) {
      let state = 0;
      for (let i = 0; i < text.length; i++) {
        const at = state * this.#width + (this.#classOf[text.charCodeAt(i)] ?? 0);
        if (trie[at] === 0) trie[at] = states++;
        state = trie[at] ?? 0;
      }
      const ends = (this.#ends[state] ??= []);
      if (ends.at(-1) !== rule) ends.push(rule);
    }
    return states;
  }

  /** Breadth first: fills in where the trie has no edge, and marks transitions into states with rules. */
  #link(states: number): void {
    const width = this.#width;
    const next = this.#next;
    const fail = new Int32Array(states);
    const queue = [0];
    for (let head = 0; head < queue.length; head++) {
      const state = queue[head] ?? 0;
      const back = fail[state] ?? 0;
      for (let kind = 0; kind < width; kind++) {
        const at = state * width + kind;
        const child = next[at] ?? 0;
        const through = state === 0 ? 0 : (next[back * width + kind] ?? 0);
        if (child === 0) next[at] = through;
        else {
          fail[child] = through;
          this.#suffix[child] =
            this.#ends[through] === undefined ? (this.#suffix[through] ?? 0) : through;
          queue.push(child);
        }
      }
    }
    for (let at = 0; at < next.length; at++) {
      const state = next[at] ?? 0;
      const hit = this.#ends[state] !== undefined || (this.#suffix[state] ?? 0) !== 0;
      next[at] = hit ? ~(state * width) : state * width;
    }
  }
}

function ascending(numbers: readonly number[]): number[] {
  const sorted = [...numbers].sort((a, b) => a - b);
  return sorted.filter((value, index) => value !== sorted[index - 1]);
}
