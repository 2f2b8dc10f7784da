/** What a hostile log line may do to a terminal: nothing. */
import { expect, test } from 'vitest';
import { visible, visibleJson } from './visible.ts';

test('control characters of every kind are shown, not sent', () => {
  expect(visible('a\u001b[2Jb\u0007\r\n\tc\u007f\u009b31m\u0000')).toBe(
    'a\\x1b[2Jb\\x07\\x0d\\x0a\\x09c\\x7f\\x9b31m\\x00',
  );
});

test('characters that reorder or hide text are shown', () => {
  expect(visible('user\u202etxt.exe\u200b\ufeff')).toBe('user\\u{202e}txt.exe\\u{200b}\\u{feff}');
});

test('ordinary text of any script stays', () => {
  expect(visible('Zürich 東京 🙂 عربي')).toBe('Zürich 東京 🙂 عربي');
});

test('JSON for a terminal holds no raw control character and means the same', () => {
  const value = { text: '\u009b31m\u007f\u202e\u001b]0;x\u0007' };
  const text = visibleJson(value);
  expect(text).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202e]/);
  expect(JSON.parse(text)).toEqual(value);
});
