/** How many places of an expression can be alive at once: what a character costs the linear matcher. */
import type { AST } from '@eslint-community/regexpp';
import { type CharRanges, haveCommon, rangesOf } from './char-ranges.ts';
import { limits } from './limits.ts';

/**
 * Can more than `limits.regexWidth` places (characters and classes, repeats written out) wait for the next
 * character while `pattern` is looked for anywhere in a text? The linear matcher's time is at most that times
 * the length of the text. Glushkov's construction gives the places and what may follow each; after a
 * character, what may follow any place that takes it waits, and the beginnings.
 *
 * Answered in a few milliseconds whatever the pattern is: nothing is counted further than to the limit.
 * @param pattern as it is matched, case and all
 * @param flags of the expression, without i
 * @returns too wide also when the repeats written out are more than `limits.regexPlaces`, or finding out takes
 * more than `limits.regexConnections` or `limits.regexPairs`. `steps`, of nanoseconds each, are what it took
 */
export function widthOf(pattern: AST.Pattern, flags: string): { tooWide: boolean; steps: number } {
  const places = new Places(flags.includes('s'));
  const tooWide = () => {
    try {
      const { first } = places.alternatives(pattern.alternatives);
      return places.manyWait(first) && places.manyTogether(first);
    } catch (error) {
      if (error instanceof TooMany) return true;
      throw error;
    }
  };
  return { tooWide: tooWide(), steps: places.steps };
}

class TooMany extends Error {}

/** What a part of the expression contributes: may it be empty, where it can begin, where it can end. */
interface Part {
  empty: boolean;
  first: readonly number[];
  last: readonly number[];
}

const EMPTY: Part = { empty: true, first: [], last: [] };

class Places {
  readonly #dotAll: boolean;
  /** What places take: those written alike are of one kind. */
  readonly #kinds: CharRanges[] = [];
  readonly #known = new Map<string, number>();
  /** By place: its kind, and what may come next: never more than `limits.regexWidth`. */
  readonly #kindAt: number[] = [];
  readonly #follow: Set<number>[] = [];
  #connections = 0;
  #pairs = 0;
  #waits = 0;

  constructor(dotAll: boolean) {
    this.#dotAll = dotAll;
  }

  get steps(): number {
    return this.#connections + this.#pairs + this.#waits;
  }

  alternatives(alternatives: readonly AST.Alternative[]): Part {
    const parts = alternatives.map(({ elements }) =>
      this.#sequence(elements.map((e) => () => this.#element(e))),
    );
    return {
      empty: parts.some(({ empty }) => empty),
      first: parts.flatMap(({ first }) => first),
      last: parts.flatMap(({ last }) => last),
    };
  }

  /**
   * Do too many places wait after some character? What waits changes only where a range of some kind begins or
   * ends, so the characters are gone through once, from one such border to the next.
   */
  manyWait(first: readonly number[]): boolean {
    if (first.length > limits.regexWidth) return true;
    const after = this.#afterKinds();
    if (after === undefined) return true;
    const borders: number[] = [];
    for (const [kind, ranges] of this.#kinds.entries()) {
      for (const [i, code] of ranges.entries()) {
        // Where one range ends, before others begin.
        const at = i % 2 === 0 ? 2 * code + 1 : 2 * (code + 1);
        borders.push(at * KINDS + kind);
      }
    }
    const waiting = new Uint16Array(this.#follow.length);
    for (const place of first) waiting[place] = 1;
    let count = first.length;
    for (const border of Float64Array.from(borders).sort()) {
      const begins = Math.floor(border / KINDS) % 2 === 1;
      const places = after[border % KINDS] ?? [];
      this.#waits += places.length;
      for (const place of places) {
        const before = waiting[place] ?? 0;
        waiting[place] = begins ? before + 1 : before - 1;
        if (begins && before === 0) count += 1;
        else if (!begins && before === 1) count -= 1;
      }
      if (count > limits.regexWidth) return true;
    }
    return false;
  }

  /**
   * As `manyWait`, closer: counts only places that can be reached by one and the same text. Two of them are
   * alive together when they take a common character and either one is a beginning, or two that are alive
   * together stand before them. Of a set of places of which all pairs are, each has all others as partners:
   * there are no `many` alive together unless so many places have so many partners, itself among them.
   */
  manyTogether(first: readonly number[]): boolean {
    const many = this.#tooManyAlive(first);
    const count = this.#kindAt.length;
    if (many <= 1 || many > count) return many <= 1;
    const together = new Uint8Array(count * count);
    const partners = new Uint16Array(count).fill(1);
    /** Pairs to go on from, each as one number. */
    const queue: number[] = [];
    const meet = this.#meeting();
    let found = 0;
    const add = (one: number, other: number) => {
      const pair = one * count + other;
      if (one === other || together[pair] === 1 || !meet(one, other)) return;
      together[pair] = 1;
      together[other * count + one] = 1;
      queue.push(pair);
      for (const place of [one, other]) {
        const now = (partners[place] ?? 0) + 1;
        partners[place] = now;
        if (now === many) found += 1;
      }
    };
    const spend = (steps: number) => {
      this.#pairs += steps;
      return this.#pairs > limits.regexPairs || found >= many;
    };
    for (const begin of first) {
      for (let place = 0; place < count; place++) add(begin, place);
      if (spend(count)) return true;
    }
    const follow = this.#follow.map((places) => Int32Array.from(places));
    for (const places of follow) {
      for (const [i, one] of places.entries()) {
        for (const other of places.subarray(i + 1)) add(one, other);
      }
      if (spend(places.length ** 2)) return true;
    }
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      const ones = follow[Math.floor(next / count)] ?? NONE;
      const others = follow[next % count] ?? NONE;
      for (const one of ones) for (const other of others) add(one, other);
      if (spend(ones.length * others.length)) return true;
    }
    return false;
  }

  /** By kind: the places that may come after one of it; undefined when these are too many after some. */
  #afterKinds(): number[][] | undefined {
    const after = this.#kinds.map((): number[] => []);
    const placesOf = this.#kinds.map((): number[] => []);
    for (const [place, kind] of this.#kindAt.entries()) placesOf[kind]?.push(place);
    const seen = new Int32Array(this.#kindAt.length).fill(-1);
    for (const [kind, places] of placesOf.entries()) {
      const waits = after[kind] ?? [];
      for (const place of places) {
        for (const next of this.#follow[place] ?? []) {
          if (seen[next] === kind) continue;
          seen[next] = kind;
          if (waits.push(next) > limits.regexWidth) return undefined;
        }
      }
    }
    return after;
  }

  /** The least number of places alive after which, with the beginnings, too many may wait. */
  #tooManyAlive(first: readonly number[]): number {
    const follows = this.#follow.map(({ size }) => size).sort((a, b) => b - a);
    let sum = first.length;
    for (const [alive, size] of follows.entries()) {
      sum += size;
      if (sum > limits.regexWidth) return alive + 1;
    }
    return Number.POSITIVE_INFINITY;
  }

  /** Do two places take a common character? Each two kinds of place are looked at once. */
  #meeting(): (one: number, other: number) => boolean {
    const kinds = this.#kinds.length;
    const kindAt = Int32Array.from(this.#kindAt);
    const known = new Uint8Array(kinds ** 2);
    return (one, other) => {
      const oneKind = kindAt[one] ?? 0;
      const otherKind = kindAt[other] ?? 0;
      const pair = oneKind * kinds + otherKind;
      if (known[pair] === 0) {
        const common = haveCommon(this.#kinds[oneKind] ?? [], this.#kinds[otherKind] ?? []);
        known[pair] = common ? 1 : 2;
      }
      return known[pair] === 1;
    };
  }

  #element(element: AST.Element): Part {
    switch (element.type) {
      case 'Group':
      case 'CapturingGroup':
        return this.alternatives(element.alternatives);
      case 'Quantifier':
        return this.#repeat(element);
      case 'Assertion':
        return EMPTY;
      default:
        return this.#place(element);
    }
  }

  /** Each obligatory repetition, then either one that goes round or each possible one. */
  #repeat({ element, min, max }: AST.Quantifier): Part {
    const one = () => this.#element(element);
    const optional = () => ({ ...one(), empty: true });
    const endless = () => {
      const part = one();
      this.#connect(part.last, part.first);
      return { ...part, empty: true };
    };
    if (Math.max(min, max === Number.POSITIVE_INFINITY ? 0 : max) > limits.regexPlaces) {
      throw new TooMany();
    }
    const must = Array.from({ length: min }, () => one);
    if (max === Number.POSITIVE_INFINITY) return this.#sequence([...must, endless]);
    return this.#sequence([...must, ...Array.from({ length: max - min }, () => optional)]);
  }

  #sequence(makers: readonly (() => Part)[]): Part {
    let whole: Part = EMPTY;
    for (const make of makers) {
      const part = make();
      this.#connect(whole.last, part.first);
      whole = {
        empty: whole.empty && part.empty,
        first: whole.empty ? [...whole.first, ...part.first] : whole.first,
        last: part.empty ? [...whole.last, ...part.last] : part.last,
      };
    }
    return whole;
  }

  #connect(from: readonly number[], to: readonly number[]): void {
    this.#connections += from.length * to.length;
    if (this.#connections > limits.regexConnections) throw new TooMany();
    for (const place of from) {
      const follow = this.#follow[place];
      if (follow === undefined) continue;
      for (const next of to) follow.add(next);
      // All of these wait after the place.
      if (follow.size > limits.regexWidth) throw new TooMany();
    }
  }

  #place(element: AST.Element): Part {
    if (this.#kindAt.length >= limits.regexPlaces) throw new TooMany();
    const { raw } = element;
    let kind = this.#known.get(raw);
    if (kind === undefined) {
      kind = this.#kinds.push(rangesOf(element, this.#dotAll)) - 1;
      this.#known.set(raw, kind);
    }
    const place = this.#kindAt.push(kind) - 1;
    this.#follow.push(new Set());
    return { empty: false, first: [place], last: [place] };
  }
}

const NONE = new Int32Array(0);
/** More than there can be kinds. */
const KINDS = 2 ** Math.ceil(Math.log2(limits.regexPlaces + 1));
