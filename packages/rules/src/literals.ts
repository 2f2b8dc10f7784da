/** Finds text that a pattern cannot match without: what the prefilter looks for. */
import type { AST } from '@eslint-community/regexpp';
import { limits } from './limits.ts';

/**
 * Literals of which at least one stands in every text that `pattern` matches (ignoring case when the
 * rule does), or undefined when none is long enough. Sound, not complete: a lesser answer only costs speed.
 */
export function requiredLiterals(pattern: AST.Pattern): string[] | undefined {
  return ofAlternatives(pattern.alternatives);
}

function ofAlternatives(alternatives: readonly AST.Alternative[]): string[] | undefined {
  const all = new Set<string>();
  for (const alternative of alternatives) {
    const found = ofSequence(alternative.elements);
    if (found === undefined) return undefined;
    for (const literal of found) all.add(literal);
    if (all.size > limits.literalsPerRule) return undefined;
  }
  return [...all];
}

function ofSequence(elements: readonly AST.Element[]): string[] | undefined {
  const search = new Search();
  walk(elements, search);
  search.endRun();
  return search.best;
}

/** Keeps the run of characters being read and the best set of literals so far. */
class Search {
  best: string[] | undefined;
  #run = '';

  character(code: number): void {
    this.#run += String.fromCharCode(code);
  }

  endRun(): void {
    if (this.#run !== '') this.offer([this.#run.slice(0, limits.literalMaxChars)]);
    this.#run = '';
  }

  offer(literals: string[] | undefined): void {
    if (literals === undefined || shortest(literals) < limits.literalMinChars) return;
    if (this.best === undefined || shortest(literals) > shortest(this.best)) this.best = literals;
  }
}

function shortest(literals: readonly string[]): number {
  return Math.min(...literals.map((literal) => literal.length));
}

function walk(elements: readonly AST.Element[], search: Search): void {
  for (const element of elements) {
    switch (element.type) {
      case 'Character':
        search.character(element.value);
        break;
      case 'Assertion':
        break; // zero width: what stands on both sides of it still touches
      case 'Group':
      case 'CapturingGroup': {
        const only = element.alternatives.length === 1 ? element.alternatives[0] : undefined;
        if (only !== undefined) walk(only.elements, search);
        else {
          search.endRun();
          search.offer(ofAlternatives(element.alternatives));
        }
        break;
      }
      case 'Quantifier':
        search.endRun();
        if (element.min > 0) search.offer(ofSequence([element.element]));
        break;
      default:
        search.endRun();
    }
  }
}
