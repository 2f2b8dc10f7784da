/** The bundle of typebox is what the installed typebox gives. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { BUNDLE, bundleTypebox } from '../../../scripts/bundle-typebox.ts';

it('is made from the installed typebox: else run node scripts/bundle-typebox.ts', async () => {
  expect(readFileSync(BUNDLE, 'utf8') === (await bundleTypebox())).toBe(true);
});
