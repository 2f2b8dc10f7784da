/** Collects, message by message, the rules of which a literal was found. */
import type { Tables } from './scan/tables.ts';

export class Candidates {
  readonly #rulesOf: Tables['rulesOf'];
  /** By literal: its rule, when it has but one, else -1. Lies together, where the lists are all over the memory. */
  readonly #onlyRule: Int32Array;
  readonly #always: Tables['always'];
  /** By literal and by rule: the message it was last met in. */
  readonly #literalSeen: Uint32Array;
  readonly #ruleSeen: Uint32Array;
  #found: number[] = [];
  #message = 0;

  constructor({ rulesOf, always }: Pick<Tables, 'rulesOf' | 'always'>, rules: number) {
    this.#rulesOf = rulesOf;
    this.#onlyRule = Int32Array.from(rulesOf, (of) => (of.length === 1 ? (of[0] ?? -1) : -1));
    this.#always = always;
    this.#literalSeen = new Uint32Array(rulesOf.length);
    this.#ruleSeen = new Uint32Array(rules);
  }

  /** Every message has rules to be tried, found or not. */
  get everyMessage(): boolean {
    return this.#always.length > 0;
  }

  /** `literal` stands in the message: a second time changes nothing, and costs nothing. */
  add(literal: number): void {
    const message = this.#message + 1;
    if (this.#literalSeen[literal] === message) return;
    this.#literalSeen[literal] = message;
    const only = this.#onlyRule[literal] ?? -1;
    if (only >= 0) this.#addRule(only, message);
    else for (const rule of this.#rulesOf[literal] ?? []) this.#addRule(rule, message);
  }

  #addRule(rule: number, message: number): void {
    if (this.#ruleSeen[rule] === message) return;
    this.#ruleSeen[rule] = message;
    this.#found.push(rule);
  }

  /** The message's rules, ascending, each once; what is added then belongs to the next message. */
  take(): readonly number[] {
    const found = this.#found;
    if (found.length > 0) this.#found = [];
    this.#message += 1;
    if (this.#message === 0xffff_ffff) {
      this.#message = 0;
      this.#literalSeen.fill(0);
      this.#ruleSeen.fill(0);
    }
    if (found.length === 0) return this.#always;
    if (this.#always.length > 0) found.push(...this.#always);
    return found.length < 2 ? found : found.sort(ascending);
  }
}

function ascending(a: number, b: number): number {
  return a - b;
}
