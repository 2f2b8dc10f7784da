// Addresses are typed and pasted by anyone: what is read from them must be tame.
import { expect, test } from 'vitest';
import { chosen, insidePath, only, parseSearch, stringifySearch, words } from './search.ts';

test('text stays text, also when it looks like a number or JSON', () => {
  expect(parseSearch('?q=007&agent=true&x=%7B%7D')).toEqual({ q: '007', agent: 'true', x: '{}' });
});

test('a filter survives the way to the address and back', () => {
  const address = stringifySearch({ q: 'a&b=c d', status: ['attention', 'running'], none: '' });
  expect(address).toBe('?q=a%26b%3Dc+d&status=attention,running');
  expect(parseSearch(address)).toEqual({ q: 'a&b=c d', status: 'attention,running' });
});

test('no filter leaves no question mark', () => {
  expect(stringifySearch({ q: undefined, status: [] })).toBe('');
});

test('only known names are chosen, once, in the known order', () => {
  expect(chosen('b,a,evil,a', ['a', 'b', 'c'])).toEqual(['a', 'b']);
  expect(chosen(['c', 'x'], ['a', 'b', 'c'])).toEqual(['c']);
  expect(chosen(7, ['a'])).toEqual([]);
});

test('text is cut to its bound', () => {
  expect(words('abcdef', 3)).toBe('abc');
  expect(words('', 3)).toBeUndefined();
  expect(words(12, 3)).toBeUndefined();
});

test.each(['/', '/findings?q=a', '/?status=running#x'])('%s is inside', (path) => {
  expect(insidePath(path)).toBe(path);
});

test.each([
  '//evil.example',
  '/\\evil.example',
  'https://evil.example',
  'javascript:alert(1)',
  '/a\\b',
  '/a\nb',
  '',
  undefined,
  `/${'a'.repeat(2_001)}`,
])('%j leads elsewhere and is refused', (path) => {
  expect(insidePath(path)).toBeUndefined();
});

test('what a route did not read is taken out of its query, instead of left as it stands', () => {
  const read = only((search): { next?: string } => {
    const next = insidePath(search['next']);
    return next ? { next } : {};
  });
  // The router lays the result over what the address says: only a value lets nothing shine through.
  const over = (raw: Record<string, unknown>) => ({ ...raw, ...read(raw) });
  expect(over({ next: '//evil.example/', x: '1' })).toEqual({ next: undefined, x: undefined });
  expect(over({ next: '/findings' })).toEqual({ next: '/findings' });
});
