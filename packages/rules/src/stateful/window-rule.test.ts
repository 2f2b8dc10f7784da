/** What rules that count over time may say, and how a faulty one is told. */
import { describe, expect, it } from 'vitest';
import { compileRules } from '../index.ts';

const BASE = { id: 'w', name: 'W', pattern: 'failed', severity: 'warning', action: 'alert' };
const THRESHOLD = { ...BASE, kind: 'threshold', count: 5, within_seconds: 60 };
const DISTINCT = { ...THRESHOLD, kind: 'distinct', distinct_by: 'host' };
const SEQUENCE = { ...BASE, kind: 'sequence', within_seconds: 60, followed_by: { pattern: 'up' } };
const ABSENCE = { ...BASE, kind: 'absence', within_seconds: 60, followed_by: { pattern: 'up' } };

const faults = (rule: object) =>
  compileRules([rule]).errors.map(({ path, message }) => ({ path, message }));

describe('rules that count over time', () => {
  it.each([
    ['threshold', THRESHOLD],
    ['threshold of a regular expression', { ...THRESHOLD, pattern_kind: 'regex' }],
    ['threshold by fields', { ...THRESHOLD, group_by: ['host', 'fields.port', 'program'] }],
    [
      'threshold by a named group',
      { ...THRESHOLD, pattern: 'from (?<ip>\\S+)', pattern_kind: 'regex', group_by: ['ip'] },
    ],
    ['distinct', DISTINCT],
    ['sequence', { ...SEQUENCE, count: 3, suppress_seconds: 60 }],
    ['absence', ABSENCE],
    ['silence', { ...ABSENCE, followed_by: undefined, pattern: '', group_by: ['host'] }],
    ['a plain rule that is suppressed', { ...BASE, suppress_seconds: 60, group_by: ['host'] }],
  ])('takes %s', (_name, rule) => {
    const plain: unknown = JSON.parse(JSON.stringify(rule));
    const result = compileRules([plain]);
    expect(result.errors).toEqual([]);
    expect(result.ok && result.ruleset.rules).toEqual([plain]);
    expect(result.ok && result.ruleset.windows).toHaveLength(1);
  });

  it.each([
    ['count is missing', { ...BASE, kind: 'threshold', within_seconds: 60 }, 'count'],
    ['within_seconds is missing', { ...BASE, kind: 'threshold', count: 5 }, 'within_seconds'],
    ['distinct_by is missing', { ...THRESHOLD, kind: 'distinct' }, 'distinct_by'],
    ['followed_by is missing', { ...BASE, kind: 'sequence', within_seconds: 60 }, 'followed_by'],
    ['a plain rule counts', { ...BASE, count: 5 }, 'count'],
    ['a plain rule has a window', { ...BASE, kind: 'regex', within_seconds: 5 }, 'within_seconds'],
    ['a plain rule is grouped', { ...BASE, group_by: ['host'] }, 'group_by'],
    ['a plain rule says how it is read', { ...BASE, pattern_kind: 'regex' }, 'pattern_kind'],
    [
      'a threshold has a second step',
      { ...THRESHOLD, followed_by: { pattern: 'x' } },
      'followed_by',
    ],
    ['a threshold has a value', { ...THRESHOLD, distinct_by: 'host' }, 'distinct_by'],
    ['an absence counts', { ...ABSENCE, count: 2 }, 'count'],
    ['distinct counts to one', { ...DISTINCT, count: 1 }, 'count'],
    ['a sequence counts too far', { ...SEQUENCE, count: 101 }, 'count'],
    ['count is no whole number', { ...THRESHOLD, count: 2.5 }, 'count'],
    ['count is too large', { ...THRESHOLD, count: 10_001 }, 'count'],
    ['the window is nothing', { ...THRESHOLD, within_seconds: 0 }, 'within_seconds'],
    ['the window is too long', { ...THRESHOLD, within_seconds: 604_801 }, 'within_seconds'],
    ['group_by is empty', { ...THRESHOLD, group_by: [] }, 'group_by'],
    ['group_by names nothing', { ...THRESHOLD, group_by: ['host', 'ip'] }, 'group_by.1'],
    ['group_by names a thing twice', { ...THRESHOLD, group_by: ['host', 'host'] }, 'group_by.1'],
    ['distinct_by names nothing', { ...DISTINCT, distinct_by: 'ip' }, 'distinct_by'],
    ['distinct_by is the key', { ...DISTINCT, group_by: ['host'] }, 'distinct_by'],
    ['the pattern is empty', { ...THRESHOLD, pattern: '' }, 'pattern'],
    ['the first pattern is empty', { ...ABSENCE, pattern: '' }, 'pattern'],
    ['a plain pattern is empty', { ...BASE, pattern: '' }, 'pattern'],
    ['the pattern is faulty', { ...THRESHOLD, pattern: '(', pattern_kind: 'regex' }, 'pattern'],
    [
      'the second pattern is faulty',
      { ...SEQUENCE, followed_by: { pattern: '(', pattern_kind: 'regex' } },
      'followed_by.pattern',
    ],
    [
      'the second condition is faulty',
      { ...SEQUENCE, followed_by: { pattern: 'up', where: { color: 'red' } } },
      'followed_by.where.color',
    ],
    [
      'the second step has more',
      { ...SEQUENCE, followed_by: { pattern: 'up', count: 2 } },
      'followed_by',
    ],
    [
      'a group stands in the first pattern only',
      { ...SEQUENCE, pattern: '(?<port>\\d+)', pattern_kind: 'regex', group_by: ['port'] },
      'group_by.0',
    ],
    [
      'a group stands in the second pattern only',
      {
        ...SEQUENCE,
        followed_by: { pattern: '(?<port>\\d+)', pattern_kind: 'regex' },
        group_by: ['port'],
      },
      'group_by.0',
    ],
  ])('says where: %s', (_name, rule, path) => {
    const found = faults(rule);
    expect(found.map((fault) => fault.path)).toEqual([path]);
    expect(found[0]?.message).not.toBe('');
  });

  it('says what may stand in group_by', () => {
    const pattern = { pattern: 'from (?<ip>\\S+)', pattern_kind: 'regex' };
    expect(faults({ ...THRESHOLD, ...pattern, group_by: ['addr'] })).toEqual([
      {
        path: 'group_by.0',
        message:
          '"addr" is no named group of the pattern and no field: use ip, program, host, source_ip, facility, severity, type, fields.<name>',
      },
    ]);
    expect(faults({ ...THRESHOLD, group_by: ['ip'] })[0]?.message).toContain(
      'named groups need "pattern_kind": "regex"',
    );
  });

  it('warns of a pattern that looks like a regular expression', () => {
    const { warnings } = compileRules([{ ...THRESHOLD, pattern: 'failed .* login' }]);
    expect(warnings).toEqual([expect.objectContaining({ path: 'pattern' })]);
    expect(warnings[0]?.message).toContain('pattern_kind');
  });
});
