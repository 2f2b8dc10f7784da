/** Libraries that come as one file are what is installed. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { BUNDLES, textOf } from '../../../../scripts/bundle-libraries.ts';

it.each(BUNDLES)(
  '$library is packed as installed: else run node scripts/bundle-libraries.ts',
  async (bundle) => {
    expect(readFileSync(bundle.path, 'utf8') === (await textOf(bundle))).toBe(true);
  },
);
