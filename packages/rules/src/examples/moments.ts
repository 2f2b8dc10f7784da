/** Turns an example into events: one message, or a story in which time passes. */
import type { LogEvent, Rule, RuleExample } from '@opmas/protocol';
import { compileWhere } from '../where.ts';

/** Something that happens at a time; without an event only time has passed. */
export interface Moment {
  /** Milliseconds since the epoch. */
  at: number;
  event?: LogEvent;
}

/** When every story begins. */
const BEGIN = Date.parse('2025-01-01T00:00:00.000Z');

/** How many moments `momentsOf` would make. */
export function countMoments(example: RuleExample): number {
  if (typeof example === 'string') return 1;
  return example.reduce(
    (sum, given) => sum + (typeof given === 'string' ? 1 : (given.times ?? 1)),
    0,
  );
}

/** The events of `example`, each fulfilling the rule's `where` but where the example itself says otherwise. */
export function momentsOf(rule: Pick<Rule, 'where'>, example: RuleExample): Moment[] {
  const moments: Moment[] = [];
  const { conditions } = compileWhere(rule.where ?? {});
  let at = BEGIN;
  for (const given of typeof example === 'string' ? [example] : example) {
    const {
      message,
      after_seconds,
      times = 1,
      ...fields
    } = typeof given === 'string' ? { message: given } : given;
    for (let time = 0; time < times; time += 1) {
      at += (after_seconds ?? 0) * 1_000;
      if (message === undefined) {
        moments.push({ at });
        continue;
      }
      const timestamp = new Date(at).toISOString();
      const event: LogEvent = {
        event_id: `example-${moments.length}`,
        timestamp,
        received_at: timestamp,
        type: 'system',
        message,
      };
      for (const condition of conditions) condition.satisfy(event);
      moments.push({ at, event: { ...event, ...fields } });
    }
  }
  return moments;
}

/** An example as one text, to be named by. */
export function textOf(example: RuleExample): string {
  return typeof example === 'string' ? example : JSON.stringify(example);
}
