// Style sheets pass the page's own policy; nothing that could hold an element does.
import { expect, test, vi } from 'vitest';
import type {} from './trusted-types.ts';

test('X6 one policy is made, and no markup passes it', async () => {
  type CreatePolicy = NonNullable<typeof globalThis.trustedTypes>['createPolicy'];
  const createPolicy = vi.fn<CreatePolicy>();
  vi.stubGlobal('trustedTypes', { createPolicy });
  await import('./trusted-types.ts');
  vi.unstubAllGlobals();
  expect(createPolicy).toHaveBeenCalledTimes(1);
  const [name, rules] = createPolicy.mock.calls[0] ?? [];
  expect(name).toBe('default');
  // Neither scripts nor their addresses are ever made from text.
  expect(Object.keys(rules ?? {})).toEqual(['createHTML']);
  const css = '@media (min-width: 48em) { .a > .b::after { content: "\\201C" } }';
  expect(rules?.createHTML(css)).toBe(css);
  for (const markup of [
    '<',
    '<img src=x onerror=hurt()>',
    '</style><script>hurt()</script>',
    '.a{}<b>',
  ]) {
    expect(rules?.createHTML(markup)).toBeNull();
  }
});
