import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { processLog } from './log.ts';

function logged(text: string): string[] {
  const lines: string[] = [];
  const log = processLog({
    level: 'info',
    env: 'testing',
    to: { write: (line) => void lines.push(line) },
  });
  log.warn({ who: text, [text]: 1, nested: { list: [text] } }, text);
  log.error({ err: new Error(text) }, 'failed');
  return lines;
}

describe('X20 one event is one line of JSON', () => {
  test.each([
    ['a line of its own', 'x\r\n{"level":50,"msg":"forged"}\n'],
    ['an end of the text', '","msg":"forged","x":"'],
    ['terminal escapes', '\u001b[2J\u001b]0;x\u0007\u009b31m'],
    ['line separators', 'a\u2028b\u2029c\u0085d'],
    ['text that runs backwards', '\u202etxt.exe\u200b'],
    ['NUL and half a character', '\u0000\ud800'],
    ['a backslash at the end', 'x\\'],
  ])('whatever is logged: %s', (_, text) => {
    const lines = logged(text);
    expect(lines).toHaveLength(2);
    for (const line of lines) {
      expect(line).toMatch(/^[^\p{Cc}\u2028-\u202e\u200b]+\n$/u);
      expect(JSON.parse(line)).toMatchObject({ part: 'server' });
    }
  });

  test('the text is the same when it is read again', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
        const [line = ''] = logged(text);
        expect(line.slice(0, -1)).not.toMatch(/\p{Cc}/u);
        expect(JSON.parse(line)).toMatchObject({ who: text, msg: text, nested: { list: [text] } });
      }),
    );
  });
});
