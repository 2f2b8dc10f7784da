/** What a finding says of the window that made it. */
import type { Rule } from '@opmas/protocol';
import type { Firing } from '@opmas/rules';
import type { AgentMatch } from './actions.ts';

type Window = Firing['window'];

/** For `details.window`. What was counted by stands under `by`: values under `key` would be masked as secrets. */
export function windowOf({ key, ...window }: Window): Omit<Window, 'key'> & { by: string } {
  return { ...window, by: key };
}

/** One sentence for people. */
export function descriptionOf({ rule, window }: AgentMatch): string {
  return window === undefined ? `Rule '${rule.name}' matched` : describeWindow(rule, window);
}

function describeWindow(rule: Rule, window: Window): string {
  const { kind, count, group } = window;
  const of = Object.entries(group).map(([name, value]) => `${name} ${value}`);
  const by = of.length === 0 ? '' : ` (${of.join(', ')})`;
  const within = rule.within_seconds === undefined ? '' : ` within ${rule.within_seconds} s`;
  switch (kind) {
    case 'threshold':
      return `Rule '${rule.name}': ${count === 1 ? '1 event' : `${count} events${within}`}${by}`;
    case 'distinct':
      return `Rule '${rule.name}': ${count} different values of ${rule.distinct_by ?? ''}${within}${by}`;
    case 'sequence':
      return `Rule '${rule.name}': ${count === 1 ? 'the sequence' : `${count} sequences`}${within}${by}`;
    case 'absence':
      return `Rule '${rule.name}': not followed${within}${by}`;
    case 'silence':
      return `Rule '${rule.name}': nothing came${within}${by}`;
  }
}
