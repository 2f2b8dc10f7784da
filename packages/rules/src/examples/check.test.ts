/** The examples that rules carry are run, and failures are named. */
import type { Rule } from '@opmas/protocol';
import { describe, expect, it } from 'vitest';
import { checkExamples } from '../index.ts';

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

  it('reads a story moment by moment, and says where it stands', () => {
    const story = ['link is up', { message: 'link is down', after_seconds: 5, host: 'ap-1' }];
    const where = { host: { prefix: 'ap-' } };
    const elsewhere = [{ message: 'link is down', host: 'sw-1' }];
    expect(
      checkExamples([rule({ where, examples: { match: [story], no_match: [elsewhere] } })]),
    ).toEqual([]);
    expect(
      checkExamples([rule({ id: 'up' }), rule({ where, examples: { match: [elsewhere] } })]),
    ).toMatchObject([{ rule_id: 'down', rule_index: 1, path: 'examples.match.0' }]);
  });

  it('plays a story to rules that count over time, and asks a single line of the pattern alone', () => {
    const often = rule({ kind: 'threshold', count: 3, within_seconds: 60 });
    const quick = [{ message: 'link is down', times: 3, after_seconds: 10 }];
    const slow = [{ message: 'link is down', times: 3, after_seconds: 61 }];
    const both = { match: ['link is down', quick], no_match: ['link is up', slow] };
    expect(checkExamples([{ ...often, examples: both }])).toEqual([]);
    expect(
      checkExamples([{ ...often, examples: { match: [slow], no_match: [quick] } }]),
    ).toHaveLength(2);
  });

  it('lets time pass for a rule that waits for what does not come', () => {
    const missing = rule({
      kind: 'absence',
      followed_by: { pattern: 'is up' },
      within_seconds: 60,
    });
    const away = ['link is down', { after_seconds: 120 }];
    const back = [
      'link is down',
      { message: 'link is up', after_seconds: 30 },
      { after_seconds: 120 },
    ];
    expect(checkExamples([{ ...missing, examples: { match: [away], no_match: [back] } }])).toEqual(
      [],
    );
    expect(checkExamples([{ ...missing, examples: { match: [back] } }])).toHaveLength(1);
  });

  it('counts only the rule of the example, not another that matches it', () => {
    const other = rule({ id: 'other', pattern: 'link' });
    expect(checkExamples([rule({ examples: { no_match: ['link is up'] } }), other])).toEqual([]);
  });

  it('plays so many events of a set, and says where it stopped', () => {
    const many = Array.from({ length: 4 }, () => ({ message: 'link is up', times: 1_000 }));
    const examples = { no_match: Array.from({ length: 51 }, () => many) };
    const last = rule({ id: 'last', examples: { match: ['no such thing'] } });
    expect(checkExamples([rule({ examples }), last])).toEqual([
      expect.objectContaining({
        rule_id: 'down',
        path: 'examples.no_match.50',
        message: expect.stringContaining('more than 200000 events') as string,
      }),
    ]);
  });

  it('says why rules do not compile', () => {
    expect(checkExamples([rule({ kind: 'regex', pattern: '(' })])).toMatchObject([
      { rule_id: 'down', kind: 'compile', index: -1 },
    ]);
  });
});
