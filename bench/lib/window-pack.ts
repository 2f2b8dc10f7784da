/** The rules of a pack with memory: a third counts, a third waits for a second event, a third is as it was. */
import type { Rule } from '@opmas/protocol';
import type { RouterRule } from './router-pack.ts';

const WITHIN_SECONDS = 600;

/** The same lines match: of three rules one tells at every second match, and one when another follows. */
export function windowPack(rules: readonly RouterRule[]): RouterRule[] {
  return rules.map(({ rule, sample }, index) => {
    const { kind: pattern_kind = 'substring', ...plain } = rule;
    const over = { pattern_kind: kindOf(pattern_kind), group_by: ['host'] };
    const common = { ...plain, ...over, within_seconds: WITHIN_SECONDS, count: 2 };
    const next = rules[(index + 1) % rules.length]?.rule ?? rule;
    const followed_by = { pattern: next.pattern, pattern_kind: kindOf(next.kind) };
    switch (index % 3) {
      case 0:
        return { rule: { ...common, kind: 'threshold' }, sample };
      case 1:
        return { rule: { ...common, kind: 'sequence', count: 1, followed_by }, sample };
      default:
        return { rule, sample };
    }
  });
}

function kindOf(kind: Rule['kind']): 'substring' | 'regex' {
  return kind === 'regex' ? 'regex' : 'substring';
}
