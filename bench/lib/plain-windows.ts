/** Rules that count, as one would write them down: a list of times for each rule and group. */
import type { LogEvent, Rule } from '@opmas/protocol';

/** Does an event complete what the rule counts? `matches` are those of its first and its second pattern. */
export type CountRule = (event: LogEvent, matches: { first: boolean; second: boolean }) => boolean;

/** @returns undefined for a rule that tells each match */
export function plainWindow(rule: Rule): CountRule | undefined {
  const withinMs = (rule.within_seconds ?? 0) * 1_000;
  const groups = new Map<string, number[]>();
  const timesOf = (event: LogEvent) => {
    const key = (rule.group_by ?? []).map((field) => String(Reflect.get(event, field))).join('\n');
    const known = groups.get(key);
    if (known !== undefined) return known;
    const times: number[] = [];
    groups.set(key, times);
    return times;
  };
  const put = (times: number[], now: number) => {
    while ((times[0] ?? now) <= now - withinMs) times.shift();
    times.push(now);
  };
  switch (rule.kind) {
    case 'threshold':
      return (event, { first }) => {
        if (!first) return false;
        const times = timesOf(event);
        put(times, Date.parse(event.timestamp));
        if (times.length < (rule.count ?? 1)) return false;
        times.length = 0;
        return true;
      };
    case 'sequence':
      return (event, { first, second }) => {
        const now = Date.parse(event.timestamp);
        const times = timesOf(event);
        if (second && times.length > 0 && (times.pop() ?? 0) > now - withinMs) return true;
        if (first) put(times, now);
        return false;
      };
    default:
      return undefined;
  }
}
