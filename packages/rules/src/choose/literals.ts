/** Finds text that a pattern cannot match without: what the scan looks for. */
import type { AST } from '@eslint-community/regexpp';
import { limits } from '../limits.ts';

/** ASCII text; with `fold`, letters of either case are the same. */
export interface Literal {
  text: string;
  fold: boolean;
}

/** Literals of which at least one stands in every text a rule matches. */
export type LiteralSet = readonly Literal[];

/**
 * The sets to choose from for a plain pattern: its ASCII parts, each a set of its own, because the scan
 * reads bytes and a character beyond ASCII is several of them. None: every text must be tried.
 */
export function plainChoices(pattern: string): LiteralSet[] {
  const parts = pattern.match(/[\0-\x7f]+/g) ?? [];
  return parts
    .filter((part) => part.length >= limits.literalMinChars)
    .slice(0, limits.choicesPerRule)
    .map((part) => [{ text: part.slice(0, limits.literalMaxChars), fold: false }]);
}

/**
 * The sets to choose from for a regular expression. Sound, not complete: a lesser answer only costs speed.
 * @param fold the expression ignores case
 */
export function regexChoices(pattern: AST.Pattern, fold: boolean): LiteralSet[] {
  const [only] = pattern.alternatives;
  if (only !== undefined && pattern.alternatives.length === 1)
    return ofSequence(only.elements, fold);
  const joined = ofAlternatives(pattern.alternatives, fold);
  return joined === undefined ? [] : [joined];
}

/** One set for an alternation: the best of each alternative, put together. */
function ofAlternatives(
  alternatives: readonly AST.Alternative[],
  fold: boolean,
): LiteralSet | undefined {
  const all = new Map<string, Literal>();
  for (const alternative of alternatives) {
    const choices = ofSequence(alternative.elements, fold);
    const longest = Math.max(0, ...choices.map(shortest));
    const best = choices.find((set) => shortest(set) === longest);
    if (best === undefined) return undefined;
    for (const literal of best) all.set(`${literal.fold} ${literal.text}`, literal);
    if (all.size > limits.literalsPerRule) return undefined;
  }
  return [...all.values()];
}

function ofSequence(elements: readonly AST.Element[], fold: boolean): LiteralSet[] {
  const search = new Search(fold);
  search.walk(elements);
  search.endRun();
  return search.choices;
}

function shortest(literals: LiteralSet): number {
  return Math.min(...literals.map(({ text }) => text.length));
}

/** Keeps the run of characters being read and the sets so far. */
class Search {
  readonly choices: LiteralSet[] = [];
  readonly #ignoreCase: boolean;
  #run = '';
  #fold: boolean;

  constructor(ignoreCase: boolean) {
    this.#ignoreCase = ignoreCase;
    this.#fold = ignoreCase;
  }

  walk(elements: readonly AST.Element[]): void {
    for (const element of elements) {
      switch (element.type) {
        case 'Character':
          this.#character(element.value);
          break;
        case 'CharacterClass':
          this.#class(element);
          break;
        case 'Assertion':
          break; // zero width: what stands on both sides of it still touches
        case 'Group':
        case 'CapturingGroup':
          this.#group(element);
          break;
        case 'Quantifier':
          this.#quantifier(element);
          break;
        default:
          this.endRun();
      }
    }
  }

  endRun(): void {
    const text = this.#run.slice(0, limits.literalMaxChars);
    this.#offer([{ text, fold: this.#fold }]);
    this.#run = '';
    this.#fold = this.#ignoreCase;
  }

  #character(code: number): void {
    if (code < 128) this.#run += String.fromCharCode(code);
    else this.endRun();
  }

  /** `[.]` is a character, `[Ff]` one whose case does not matter. */
  #class({ negate, elements }: AST.CharacterClass): void {
    const codes = elements.map((element) => (element.type === 'Character' ? element.value : -1));
    const [one, other] = codes;
    const single = codes.length === 1 && one !== undefined && one >= 0;
    const cases =
      codes.length === 2 &&
      one !== undefined &&
      other !== undefined &&
      isLetter(one) &&
      (one ^ 32) === other;
    if (negate || !(single || cases)) this.endRun();
    else {
      if (cases) this.#fold = true;
      this.#character(one);
    }
  }

  #group({ alternatives }: AST.Group | AST.CapturingGroup): void {
    const only = alternatives.length === 1 ? alternatives[0] : undefined;
    if (only !== undefined) {
      this.walk(only.elements);
      return;
    }
    this.endRun();
    this.#offer(ofAlternatives(alternatives, this.#ignoreCase));
  }

  #quantifier({ element, min }: AST.Quantifier): void {
    if (min === 0) {
      this.endRun();
      return;
    }
    if (element.type === 'Character') {
      // What stands before touches the first repetition, what follows touches the last.
      this.#character(element.value);
      this.endRun();
      this.#character(element.value);
      return;
    }
    this.endRun();
    for (const set of ofSequence([element], this.#ignoreCase)) this.#offer(set);
  }

  #offer(set: LiteralSet | undefined): void {
    if (set === undefined || set.length === 0 || shortest(set) < limits.literalMinChars) return;
    if (this.choices.length < limits.choicesPerRule) this.choices.push(set);
  }
}

function isLetter(code: number): boolean {
  const lower = code | 32;
  return lower >= 97 && lower <= 122;
}
