// What is wrong with a rule is marked on its line, however the rules were typed and whatever was sent with them.
import { expect, test } from 'vitest';
import { readObjectOrList } from '../../lib/json-text.ts';
import { faultLines, rulesIn } from './fault-lines.ts';

const RULE = '{\n  "id": "a",\n  "pattern": "("\n}';

function marked(text: string, paths: readonly string[], others = 0): number[] {
  const reading = readObjectOrList(text);
  const typed = rulesIn(reading);
  const sent = [...Array.from({ length: others }, (_, n) => ({ id: `other-${n}` })), ...typed];
  return [...faultLines(reading, typed, sent, paths)];
}

test('of one rule, of a list, and of a document with rules', () => {
  expect(marked(RULE, ['rules[0].pattern'])).toEqual([3]);
  expect(marked(RULE, ['rules[0].name'])).toEqual([1]);
  expect(marked(`[\n{"id": "b"},\n${RULE}]`, ['rules[1].pattern'])).toEqual([5]);
  expect(marked(`{"rules": [\n${RULE}]}`, ['rules.0.id', 'rules[0].pattern.x'])).toEqual([3, 4]);
});

test('rules that were sent beside the typed ones have no line', () => {
  expect(marked(RULE, ['rules[0].pattern'], 2)).toEqual([]);
  expect(marked(RULE, ['rules[2].pattern'], 2)).toEqual([3]);
});

test('nothing is marked in what cannot be read, or by a place that is none', () => {
  expect(marked('[{', ['rules[0].id'])).toEqual([]);
  expect(marked(RULE, ['rules', '', 'rules[9].id', 'events[0]'])).toEqual([]);
});
