// A hostile line must not hide or reorder what it says.
import { expect, test } from 'vitest';
import { visible } from './visible.ts';

test('direction and control characters become readable', () => {
  expect(visible('user\u202egpj.exe')).toBe('user\\u{202e}gpj.exe');
  expect(visible('\u001b[31mred\u0007')).toBe('\\u{1b}[31mred\\u{7}');
  expect(visible('a\u200bb\u2066c\ufeff')).toBe('a\\u{200b}b\\u{2066}c\\u{feff}');
});

test('ordinary text, also not English, tabs and line breaks stay', () => {
  const text = 'Grüße 你好 שלום 👩‍💻\n\tdone <b>&amp;</b>';
  expect(visible(text)).toBe(text);
});
