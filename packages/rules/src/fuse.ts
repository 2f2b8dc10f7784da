/** Takes a rule out of service that stays over its time budget even with the linear matcher. */
import { limits } from './limits.ts';

/** A monotonic clock in milliseconds. */
export type Now = () => number;

/** A rule that was taken out of service. */
export interface DisabledRule {
  rule_id: string;
  /** One sentence. */
  reason: string;
}

/** What the rules of one set share: a budget, and the time they took. */
export class Effort {
  /** Milliseconds that one look of one rule may take. */
  readonly budgetMs: number;
  /** The processor time of this thread, in milliseconds: a machine that is busy with other work spends none of it. */
  readonly cpu: Now;
  /** Milliseconds that all expressions took so far. */
  spentMs = 0;
  /** Out of service, in the order in which they went. */
  readonly disabled: DisabledRule[] = [];

  constructor({ budgetMs = Number.POSITIVE_INFINITY, cpu = threadMs }: Partial<Effort> = {}) {
    this.budgetMs = budgetMs;
    this.cpu = cpu;
  }
}

/**
 * The fuse of one rule, whatever its steps. It blows with the `fuseStrikes`th of `fuseLooks` looks that takes
 * longer than the budget, and stays so: a rule set made anew has new fuses.
 */
export class Fuse {
  readonly ruleId: string;
  /** The rule matches nothing any more. */
  blown = false;
  readonly #effort: Effort;
  #strikes = 0;
  #looks = 0;

  constructor(ruleId: string, effort: Effort) {
    this.ruleId = ruleId;
    this.#effort = effort;
  }

  /** Time that counts for the loop, and not for the fuse: the rule has not come to its slower matcher yet. */
  took(ms: number): void {
    this.#effort.spentMs += ms;
  }

  /** Before a look of the linear matcher; its answer belongs to `end`. */
  begin(): number {
    return this.#effort.cpu();
  }

  end(begun: number): void {
    const { budgetMs, cpu } = this.#effort;
    const ms = cpu() - begun;
    this.#effort.spentMs += ms;
    this.#looks += 1;
    if (ms > budgetMs) {
      this.#strikes += 1;
      if (this.#strikes >= limits.fuseStrikes) {
        this.blow(
          `took more than ${budgetMs} ms for one message ${this.#strikes} times in ${this.#looks}, last ${ms.toFixed(1)} ms`,
        );
      }
    }
    if (this.#looks < limits.fuseLooks) return;
    this.#looks = 0;
    this.#strikes = 0;
  }

  blow(reason: string): void {
    if (this.blown) return;
    this.blown = true;
    this.#effort.disabled.push({ rule_id: this.ruleId, reason });
  }
}

function threadMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}
