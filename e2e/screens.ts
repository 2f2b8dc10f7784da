/** What tests of the page share: the way to a screen, and what every screen keeps. */
import { waitFor } from '@opmas/testkit';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { axeFaults } from './browser.ts';
import { limits } from './limits.ts';
import type { Product } from './product.ts';

const IS_WITHIN = 'document.documentElement.scrollWidth <= document.documentElement.clientWidth';
const DESK = { width: 1280, height: 800 };

export const heading = (page: Page, name: string | RegExp) =>
  page
    .getByRole('heading', { level: 1, name, ...(typeof name === 'string' ? { exact: true } : {}) })
    .waitFor();

export const row = (page: Page, text: string) => page.getByRole('row').filter({ hasText: text });

/** The link to one of the views of a screen. */
export const view = (page: Page, name: string) =>
  page.getByRole('navigation', { name: 'Views' }).getByRole('link', { name, exact: true });

/** To the screen of this title, by its address. */
export async function open(
  product: Product,
  page: Page,
  path: string,
  title: string | RegExp,
): Promise<void> {
  await page.goto(`${product.url}${path}`);
  await heading(page, title);
  await page.getByLabel('Loading…').first().waitFor({ state: 'detached' });
}

/** Of the job on the page; waves of two agents take a while on a busy machine. */
export const becomes = (page: Page, state: string) =>
  page.getByRole('status').getByText(state, { exact: true }).waitFor({ timeout: limits.agentsMs });

/** Each in light and in dark, and no wider than the page, on a desk and on a telephone. */
export async function expectAccessible(
  product: Product,
  page: Page,
  screens: readonly (readonly [path: string, title: string | RegExp])[],
  widths: readonly number[] = [DESK.width, 390],
): Promise<void> {
  for (const [path, title] of screens) {
    await page.emulateMedia({ colorScheme: 'light' });
    await page.goto(`${product.url}${path}`);
    // Hidden is what stands behind a dialog.
    await page
      .getByRole('heading', { level: 1, name: title, exact: true, includeHidden: true })
      .waitFor();
    await page.getByLabel('Loading…').first().waitFor({ state: 'detached' });
    expect(await axeFaults(page), `${path} light`).toEqual([]);
    // Of all that axe looks at, the scheme changes the colours alone.
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.locator('html[data-mantine-color-scheme=dark]').waitFor();
    expect(await axeFaults(page, ['color-contrast']), `${path} dark`).toEqual([]);
    for (const width of widths) {
      await page.setViewportSize({ ...DESK, width });
      // The library lays the frame out again a moment after the change.
      await waitFor(() => page.evaluate(IS_WITHIN), {
        timeoutMs: limits.waitMs,
        what: `${path} as wide as ${width}`,
      });
    }
    await page.setViewportSize(DESK);
  }
  await page.emulateMedia({ colorScheme: null });
}
