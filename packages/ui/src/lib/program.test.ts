// Descriptions of programs, from the field.
import { expect, test } from 'vitest';
import { programOf } from './program.ts';

const LINUX = 'Mozilla/5.0 (X11; Linux x86_64)';

test('browsers and systems are named', () => {
  const webkit = 'AppleWebKit/537.36 (KHTML, like Gecko)';
  expect(programOf(`${LINUX} ${webkit} Chrome/141.0.0.0 Safari/537.36`)).toBe('Chrome on Linux');
  expect(programOf(`${LINUX} ${webkit} Chrome/141.0 Safari/537.36 Edg/141.0`)).toBe(
    'Edge on Linux',
  );
  expect(programOf('Mozilla/5.0 (Windows NT 10.0; rv:144.0) Gecko/20100101 Firefox/144.0')).toBe(
    'Firefox on Windows',
  );
  expect(
    programOf(
      'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile Safari/604.1',
    ),
  ).toBe('Safari on iOS');
});

test('what is not known is shown as it calls itself, bounded', () => {
  expect(programOf('curl/8.5.0')).toBe('curl');
  expect(programOf('my-script 1.0')).toBe('my-script 1.0');
  expect(programOf('x'.repeat(500))).toHaveLength(80);
});
