// What a person types is read as JSON reads it, or refused with the place.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { limits } from '../limits.ts';
import { lineOf, lineRange, readDocument, readObjectOrList, writeDocument } from './json-text.ts';

describe('a document', () => {
  test('is what JSON says it is, however it is written', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.nat(4), (value, indent) => {
        const text = JSON.stringify(value, null, indent);
        expect(readDocument(text)).toMatchObject({ ok: true, value: JSON.parse(text) });
      }),
    );
  });

  test('is refused exactly when JSON refuses it, twice-written keys and other kinds of value apart', () => {
    const part = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"a"',
      '"b"',
      '1',
      '-0.5e3',
      '01',
      'true',
      'null',
      'nul',
      "'a'",
      '"\\u00e9"',
      '"\n"',
      ' ',
      '\n',
      '//x',
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 12 }), (parts) => {
        const text = parts.join('');
        const reading = readDocument(text);
        if (reading.ok) expect(JSON.parse(text)).toEqual(reading.value);
        else if (!reading.message.includes('twice') && !reading.message.includes('is wanted')) {
          expect(() => JSON.parse(text) as unknown, text).toThrow(SyntaxError);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  test.each([
    ['', 1, 1],
    ['[]', 1, 1],
    ['{"a": 1,}', 1, 9],
    ['{\n  "a": 1\n  "b": 2\n}', 3, 3],
    ['{"a": tru}', 1, 7],
    ['{"a": "x\n"}', 1, 7],
    ["{'a': 1}", 1, 2],
    ['{"a": 1', 1, 8],
    ['{"a": 1} x', 1, 10],
    ['{"a": 1,\n "a": 2}', 2, 2],
    ['{"__proto__": {}, "__proto__": 1}', 1, 19],
  ])('%j breaks at line %d, column %d', (text, line, column) => {
    const reading = readDocument(text);
    expect(reading).toMatchObject({ ok: false, line, column });
  });

  test('may be a list where that is asked for, and its items have their lines', () => {
    const reading = readObjectOrList('[\n  {"id": "a"},\n  {"id": "b"}\n]');
    if (!reading.ok) throw new Error(reading.message);
    expect(reading.value).toEqual([{ id: 'a' }, { id: 'b' }]);
    expect(lineOf(reading.lines, '1.id')).toBe(3);
    expect(readObjectOrList('  7')).toMatchObject({ ok: false, line: 1, column: 3 });
  });

  test('that is too deep or too long is refused instead of blocking the page', () => {
    const deep = `{"a":${'['.repeat(100_000)}`;
    expect(readDocument(deep)).toMatchObject({ ok: false, line: 1 });
    const long = `{"a":"${'x'.repeat(limits.editorChars)}"}`;
    expect(readDocument(long)).toMatchObject({ ok: false, line: 1, column: 1 });
  });
});

describe('the line of a fault', () => {
  const text = writeDocument({ processing: { batch_size: 5 }, rules: [{ id: 'a' }, { id: 'b' }] });
  const reading = readDocument(text);
  const lines = reading.ok ? reading.lines : new Map<string, number>();

  test.each([
    ['processing', 2],
    ['processing.batch_size', 3],
    ['processing.timeout', 2],
    ['rules.1.id', 10],
    ['rules.1.match.regex', 9],
    ['rules[1].id', 10],
    ['rules[1]', 9],
    ['other', undefined],
    ['', undefined],
  ])('%s: %s', (path, line) => {
    expect(lineOf(lines, path)).toBe(line);
  });

  test('is selected whole', () => {
    const { start, end } = lineRange(text, 3);
    expect(text.slice(start, end)).toBe('    "batch_size": 5');
    expect(lineRange('a', 9)).toEqual({ start: 1, end: 1 });
  });
});
