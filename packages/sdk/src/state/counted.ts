/** Up to which time of arrival everything has been counted: what is absent may only be told of before. */
import type { Left } from '@opmas/bus';
import type { LogEvent } from '@opmas/protocol';
import { arrivalOf } from '@opmas/rules';

export class Counted {
  /** By topic: the newest arrival of a processed event. */
  readonly #arrivals = new Map<string, number>();

  /** `event` is processed, and all before it in its topic. */
  note(topic: string, event: LogEvent, now: number): void {
    const arrived = arrivalOf(event, now);
    if (arrived > (this.#arrivals.get(topic) ?? 0)) this.#arrivals.set(topic, arrived);
  }

  /**
   * The moment of asking where nothing is left in a topic; where something is, the newest arrival that was processed
   * in it, as its events come in order. The earliest of all topics; minus infinity when nothing is known.
   * @param left what is not done in a topic
   */
  async upTo(
    topics: readonly string[],
    left: (topic: string) => Promise<Left>,
    now: () => number,
  ): Promise<number> {
    if (topics.length === 0) return Number.NEGATIVE_INFINITY;
    const times = await Promise.all(
      topics.map(async (topic) => {
        const asked = now();
        const answer = await left(topic);
        if (answer === 'nothing') return asked;
        const known = answer === 'something' ? this.#arrivals.get(topic) : undefined;
        return known ?? Number.NEGATIVE_INFINITY;
      }),
    );
    return Math.min(...times);
  }
}
