/** The end of an agent, within the time its host gives: nothing that hangs keeps the rest from being done. */
import { type Clock, within } from '../clock.ts';
import { AgentError } from '../errors.ts';

export interface EndingOptions {
  clock: Clock;
  /** Milliseconds from now until the process is killed. */
  graceMs: number;
  /** A part that failed or was not done in time. */
  onTrouble(error: unknown): void;
}

export class Ending {
  readonly #options: EndingOptions;
  readonly #began: number;
  #failure: { error: unknown } | undefined;

  constructor(options: EndingOptions) {
    this.#options = options;
    this.#began = options.clock.now();
  }

  /**
   * Does `work`, which is told its time, and waits for it until `share` of the grace is over. Never rejects: what
   * fails or hangs is told, and the next part is done all the same.
   * @param what names it: "the windows are not kept"
   * @param share of the whole grace, 0 to 1
   */
  async part(what: string, share: number, work: (leftMs: number) => Promise<void>): Promise<void> {
    const { clock, graceMs, onTrouble } = this.#options;
    const left = Math.max(0, this.#began + graceMs * share - clock.now());
    const late = () => new AgentError('OPMAS_TIMEOUT', `${what}: it took too long`);
    try {
      await within(clock, left, work(left), late);
    } catch (error) {
      onTrouble(error);
      if (!(error instanceof AgentError && error.code === 'OPMAS_TIMEOUT')) {
        this.#failure ??= { error };
      }
    }
  }

  /** @throws the first failure, if there was one; being late is none */
  done(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }
}
