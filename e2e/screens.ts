/** What tests of the page share: the product with somebody signed in, the way to a screen, and what every screen keeps. */
import { waitFor } from '@opmas/testkit';
import type { Page } from 'playwright-core';
import { expect } from 'vitest';
import { axeFaults, launchBrowser, type Visitor } from './browser.ts';
import { limits } from './limits.ts';
import { writePackage } from './package-files.ts';
import { type Product, startProduct } from './product.ts';

const IS_WITHIN = 'document.documentElement.scrollWidth <= document.documentElement.clientWidth';

/** An agent that takes a configuration unless its limit is above ten. */
export const PICKY = `
import { BaseAgent } from '@opmas/sdk';
export default class Picky extends BaseAgent {
  override validateConfig(document = this.config.value) {
    return document.limit > 10 ? [{ path: 'limit', message: 'is more than 10' }] : [];
  }
}`;

export interface PageBench {
  product: Product;
  browser: Awaited<ReturnType<typeof launchBrowser>>;
  /** Signed in as the first user, on the fleet's screen. */
  admin: Visitor;
  stop(): Promise<void>;
}

/** Starts the product with these agents; they run when it is there. What was started ends when something fails. */
export async function startPage(
  packages: readonly Parameters<typeof writePackage>[1][],
): Promise<PageBench> {
  const product = await startProduct({ agents: [] });
  let browser: PageBench['browser'] | undefined;
  const stop = async () => {
    await browser?.close();
    await product.stop();
  };
  try {
    for (const each of packages) writePackage(product.agentsDir, each);
    browser = await launchBrowser();
    const admin = await browser.visit();
    await product.waitForAgents(packages.length);
    const { page } = admin;
    await page.goto(product.setupUrl ?? '');
    await page.getByLabel('Password', { exact: true }).fill('a sentence is good enough');
    await page.getByRole('button', { name: 'Create the user and sign in' }).click();
    await heading(page, 'Fleet');
    return { product, browser, admin, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

export const heading = (page: Page, name: string | RegExp) =>
  page
    .getByRole('heading', { level: 1, name, ...(typeof name === 'string' ? { exact: true } : {}) })
    .waitFor();

/** To the screen of this title, by its address. */
export async function open(
  product: Product,
  page: Page,
  path: string,
  title: string | RegExp,
): Promise<void> {
  await page.goto(`${product.url}${path}`);
  await heading(page, title);
}

/** Of the job on the page; waves of two agents take a while on a busy machine. */
export const becomes = (page: Page, state: string) =>
  page.getByRole('status').getByText(state, { exact: true }).waitFor({ timeout: limits.agentsMs });

/** Each in light and in dark, and no wider than the page, on a desk and on a telephone. */
export async function expectAccessible(
  product: Product,
  page: Page,
  screens: readonly (readonly [path: string, title: string | RegExp])[],
): Promise<void> {
  for (const [path, title] of screens) {
    await page.emulateMedia({ colorScheme: 'light' });
    await open(product, page, path, title);
    await page.getByLabel('Loading…').waitFor({ state: 'detached' });
    expect(await axeFaults(page), `${path} light`).toEqual([]);
    await page.emulateMedia({ colorScheme: 'dark' });
    await page.locator('html[data-mantine-color-scheme=dark]').waitFor();
    expect(await axeFaults(page, ['color-contrast']), `${path} dark`).toEqual([]);
    for (const width of [1280, 390]) {
      await page.setViewportSize({ width, height: 800 });
      await waitFor(() => page.evaluate(IS_WITHIN), {
        timeoutMs: limits.waitMs,
        what: `${path} as wide as ${width}`,
      });
    }
    await page.setViewportSize({ width: 1280, height: 800 });
  }
  await page.emulateMedia({ colorScheme: null });
}
