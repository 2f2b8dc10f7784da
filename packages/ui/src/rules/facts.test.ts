// How rules are told: where references lead, costs and spans, and the window in one sentence.
import type { Rule } from '@opmas/protocol';
import { expect, test } from 'vitest';
import { addressOf } from './references.ts';
import { cost, span } from './units.ts';
import { windowOf } from './window.ts';

test.each([
  ['T1110', 'https://attack.mitre.org/techniques/T1110/'],
  ['T1110.001', 'https://attack.mitre.org/techniques/T1110/001/'],
  ['TA0006', 'https://attack.mitre.org/tactics/TA0006/'],
  ['https://example.org/a?b=1', 'https://example.org/a?b=1'],
])('%s leads to %s', (reference, address) => {
  expect(addressOf(reference)).toBe(address);
});

test.each([
  'javascript:alert(1)',
  'data:text/html,x',
  'https://user:secret@example.org/',
  '//example.org',
  'T11100',
  'ticket 12',
  '',
])('%j leads nowhere', (reference) => {
  expect(addressOf(reference)).toBeUndefined();
});

test('a cost is told in the unit that fits', () => {
  expect([cost(84.2), cost(5_060), cost(1_234_567)]).toEqual(['84.2 ns', '5.06 µs', '1.23 ms']);
});

test('a span is told in the largest unit that says it exactly', () => {
  expect([span(0.5), span(90), span(300), span(7_200), span(604_800)]).toEqual([
    '0.5 s',
    '90 s',
    '5 min',
    '2 h',
    '7 d',
  ]);
});

const rule = (over: Partial<Rule>): Rule => ({
  id: 'r',
  name: 'R',
  pattern: 'down',
  severity: 'info',
  action: 'alert',
  ...over,
});
const second = { pattern: 'up\u202e' };

test.each<[Partial<Rule>, string | undefined]>([
  [{}, undefined],
  [{ suppress_seconds: 60, group_by: ['ip'] }, 'every match, counted by ip; then quiet for 1 min'],
  [
    { kind: 'threshold', count: 5, within_seconds: 60, suppress_seconds: 600, group_by: ['ip'] },
    '5 events within 1 min, counted by ip; then quiet for 10 min',
  ],
  [
    { kind: 'distinct', count: 10, distinct_by: 'port', within_seconds: 90 },
    '10 different values of port within 90 s',
  ],
  [
    { kind: 'sequence', within_seconds: 60, followed_by: second },
    'this and then “up\\u{202e}”, within 1 min',
  ],
  [
    { kind: 'sequence', count: 3, within_seconds: 60, followed_by: second },
    '3 times this and then “up\\u{202e}”, within 1 min',
  ],
  [
    { kind: 'absence', within_seconds: 30, followed_by: second },
    'this, and no “up\\u{202e}” within 30 s',
  ],
  [{ kind: 'absence', within_seconds: 900 }, 'this, and nothing like it for 15 min'],
])('%j waits for %j', (over, words) => {
  expect(windowOf(rule(over))).toBe(words);
});
