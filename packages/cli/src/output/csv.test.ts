import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { csvCell, csvLines } from './csv.ts';

/** RFC 4180, as strictly as it is written. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [[]];
  let cell = '';
  let quoted = false;
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at] ?? '';
    if (quoted && character === '"' && text[at + 1] === '"') {
      cell += '"';
      at += 1;
    } else if (character === '"') quoted = !quoted;
    else if (!quoted && (character === ',' || character === '\n')) {
      rows.at(-1)?.push(cell);
      cell = '';
      if (character === '\n') rows.push([]);
    } else cell += character;
  }
  rows.at(-1)?.push(cell);
  return rows;
}

describe('X6 CSV is never calculated', () => {
  test.each([
    ['=1+1', `"'=1+1"`],
    ['=HYPERLINK("https://evil.example","x")', `"'=HYPERLINK(""https://evil.example"",""x"")"`],
    ["=cmd|' /C calc'!A0", `"'=cmd|' /C calc'!A0"`],
    ['+1', `"'+1"`],
    ['-2+3', `"'-2+3"`],
    ['@SUM(A1)', `"'@SUM(A1)"`],
    ['\t=1', `"'\\x09=1"`],
    ['\r=1', `"'\\x0d=1"`],
    ['\n=1', `"'\\x0a=1"`],
    ['  =1', `"'  =1"`],
    ['＝1', `"'＝1"`],
    ['＠SUM', `"'＠SUM"`],
    ['a=1', 'a=1'],
    ['a,b', '"a,b"'],
    ['a;=1', '"a;=1"'],
    ['say "hi"', '"say ""hi"""'],
    ["'quoted", `"'quoted"`],
    ['', ''],
  ])('%j becomes %s', (text, cell) => expect(csvCell(text)).toBe(cell));

  test('numbers stay numbers, nothing is nothing, and the rest is JSON', () => {
    expect([-5, 1.5, true, null, undefined, ['a'], { a: '=1' }].map(csvCell)).toEqual([
      '-5',
      '1.5',
      'true',
      '',
      '',
      '"[""a""]"',
      '"{""a"":""=1""}"',
    ]);
  });

  test('no escape reaches a terminal', () => {
    expect(csvCell('\u001b[2J\u009b31m')).toBe('\\x1b[2J\\x9b31m');
  });

  test('whatever the text, a cell is one cell, begins no formula, and holds no control character', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'binary' }), { minLength: 1, maxLength: 5 }),
        (texts) => {
          const line = texts.map(csvCell).join(',');
          const [cells, ...more] = parseCsv(line);
          expect(more).toEqual([]);
          expect(cells).toHaveLength(texts.length);
          for (const cell of cells ?? []) expect(cell).not.toMatch(/^\s*[=+\-@＝＋－＠]/);
          expect(line).not.toMatch(/\p{Cc}/u);
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

describe('lists as CSV', () => {
  test('have a column for every field of any row', () => {
    expect(
      csvLines([
        { a: 1, b: '=x' },
        { a: 2, c: null },
      ]),
    ).toEqual(['a,b,c', `1,"'=x",`, '2,,']);
    expect(csvLines([])).toEqual([]);
  });

  test('names of fields are data too', () => {
    expect(csvLines([{ '=evil': 1 }])).toEqual([`"'=evil"`, '1']);
  });
});
