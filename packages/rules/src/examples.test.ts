/** The examples that rules carry are run, and failures are named. */
import type { Rule } from '@opmas/protocol';
import { describe, expect, it } from 'vitest';
import { checkExamples } from './index.ts';

const rule = (over: Partial<Rule>): Rule => ({
  id: 'down',
  name: 'Link down',
  pattern: 'is down',
  severity: 'warning',
  action: 'alert',
  ...over,
});

describe('checkExamples', () => {
  it('is silent when every example comes out', () => {
    const examples = { match: ['link is down'], no_match: ['link is up'] };
    expect(checkExamples([rule({ examples })])).toEqual([]);
  });

  it('takes the conditions of the rule as fulfilled', () => {
    const where = { program: ['kernel', 'x'], host: { prefix: 'ap-' }, 'fields.a.b': 7 };
    expect(checkExamples([rule({ where, examples: { match: ['link is down'] } })])).toEqual([]);
  });

  it('names each example that does not', () => {
    const examples = { match: ['link is down', 'link is up'], no_match: ['all is down'] };
    expect(checkExamples([rule({ examples })])).toMatchObject([
      { rule_id: 'down', kind: 'match', index: 1, example: 'link is up' },
      { rule_id: 'down', kind: 'no_match', index: 0, example: 'all is down' },
    ]);
  });

  it('counts only the rule of the example, not another that matches it', () => {
    const other = rule({ id: 'other', pattern: 'link' });
    expect(checkExamples([rule({ examples: { no_match: ['link is up'] } }), other])).toEqual([]);
  });

  it('says why rules do not compile', () => {
    expect(checkExamples([rule({ kind: 'regex', pattern: '(' })])).toMatchObject([
      { rule_id: 'down', kind: 'compile', index: -1 },
    ]);
  });
});
