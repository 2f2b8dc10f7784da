/** Questions to a consumer: pull requests that do not wait, and what came of them. */

/**
 * `none`: it has nothing to give. `some`: it has, or somebody else's request is in front. `refused`: the broker said
 * something else. `silent`: it said nothing in time.
 */
export type ProbeAnswer = 'none' | 'some' | 'refused' | 'silent';

/** Pull requests of one message that do not wait. */
export const PROBE = JSON.stringify({ batch: 1, no_wait: true });

export class Probes {
  readonly #open = new Map<string, (answer: ProbeAnswer) => void>();
  #count = 0;

  /** Questions nobody has answered yet. */
  get open(): number {
    return this.#open.size;
  }

  /** @param send sends the request, to be answered at this last token of the inbox; false: not sent */
  async ask(timeoutMs: number, send: (token: string) => boolean): Promise<ProbeAnswer> {
    this.#count += 1;
    const token = `probe-${this.#count}`;
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise<ProbeAnswer>((resolve) => {
        this.#open.set(token, resolve);
        timer = setTimeout(() => resolve('silent'), timeoutMs);
        timer.unref();
        if (!send(token)) resolve('refused');
      });
    } finally {
      clearTimeout(timer);
      this.#open.delete(token);
    }
  }

  /** Was this the answer to a question, be it too late? */
  answered(token: string, status: number): boolean {
    if (!token.startsWith('probe-')) return false;
    const settle = this.#open.get(token);
    if (settle === undefined) return true;
    if (status === 404) settle('none');
    else if (status === 408) settle('some');
    else {
      settle('refused');
      return false;
    }
    return true;
  }

  /** A message has come: every question under way may be answered by it. */
  delivered(): void {
    for (const settle of this.#open.values()) settle('some');
  }
}
