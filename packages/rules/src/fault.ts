/** What is wrong with a rule set, said so that its author can repair it. */
import { limits } from './limits.ts';

/** One fault or warning. `index` is the rule's place in the list, -1 when the list itself is meant. */
export interface RuleFault {
  rule_id?: string;
  index: number;
  /** The field, dotted, relative to the rule; empty for the rule as a whole. */
  path: string;
  /** What is wrong and how to repair it. */
  message: string;
}

/** A bounded list of faults: the last entry says how many were left out. */
export class Faults {
  readonly #list: RuleFault[] = [];
  #left = 0;

  add(fault: RuleFault): void {
    if (this.#list.length < limits.faults) this.#list.push(fault);
    else this.#left += 1;
  }

  get any(): boolean {
    return this.#list.length > 0;
  }

  list(): RuleFault[] {
    if (this.#left === 0) return [...this.#list];
    return [...this.#list, { index: -1, path: '', message: `and ${this.#left} more` }];
  }
}

/** Quotes a value of the author's for a message; long ones are cut. */
export function quote(value: string): string {
  return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value);
}
