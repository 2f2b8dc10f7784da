// Says in one sentence what a rule that counts over time waits for.
import type { Rule } from '@opmas/protocol';
import { visible } from '../lib/visible.ts';
import { rulesText } from '../text/rules.ts';
import { count, span } from './units.ts';

const words = rulesText.window;

/** Undefined for a rule that tells every match. */
export function windowOf(rule: Rule): string | undefined {
  const quiet = rule.suppress_seconds ? words.quiet(span(rule.suppress_seconds)) : '';
  const what = whatOf(rule);
  const by = rule.group_by?.length ? words.by(rule.group_by.map(visible).join(', ')) : '';
  if (!what) return quiet ? words.matches(by, quiet) : undefined;
  return `${what}${by}${quiet}`;
}

function whatOf(rule: Rule): string | undefined {
  if (rule.within_seconds === undefined) return undefined;
  const within = span(rule.within_seconds);
  const second = rule.followed_by && visible(rule.followed_by.pattern);
  switch (rule.kind) {
    case 'threshold':
      return words.threshold(count(rule.count ?? 1), within);
    case 'distinct':
      return words.distinct(count(rule.count ?? 1), visible(rule.distinct_by ?? ''), within);
    case 'sequence':
      return words.sequence(rule.count ?? 1, second ?? '', within);
    case 'absence':
      return second === undefined ? words.silence(within) : words.absence(second, within);
    default:
      return undefined;
  }
}
