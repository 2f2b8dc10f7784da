/** The page as it is first met: set-up link, fleet, a finding as it arrives, and hostile text as text. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Visitor } from '../browser.ts';
import { rfc3164, sendUdp } from '../syslog.ts';
import type { SharedPage } from './bench.ts';

const HOSTILE = '<img src=x onerror="window.hurt=1"><script>window.hurt=1</script>';

/** For a product of the four agents that nobody has set up: it comes before every other suite. */
export function firstSuite(shared: SharedPage): void {
  let visitor: Visitor;
  let page: Page;

  beforeAll(async () => {
    visitor = await shared.browser.visit();
    ({ page } = visitor);
  });

  afterAll(() => visitor?.context.close());

  async function screenshot(name: string): Promise<void> {
    const folder =
      process.env['OPMAS_TEST_SCREENSHOTS'] || join(shared.product.home, 'screenshots');
    mkdirSync(folder, { recursive: true });
    await page.screenshot({ path: join(folder, `${name}.png`) });
  }

  const attempt = (user: string, ip: string) =>
    rfc3164({
      program: 'dropbear',
      message: `Bad password attempt for '${user}' from ${ip}:40022`,
    });

  test('the set-up link signs the first user in', async () => {
    expect(shared.product.setupUrl).not.toBeNull();
    await page.goto(shared.product.setupUrl ?? '');
    await page.getByLabel('Password', { exact: true }).fill('a sentence is good enough');
    await screenshot('setup');
    await page.getByRole('button', { name: 'Create the user and sign in' }).click();
    await page.getByRole('heading', { name: 'Fleet' }).waitFor();
  });

  test('the fleet shows the four agents, running', async () => {
    const table = page.getByRole('table', { name: 'Agents, worst first' });
    for (const name of ['ConnectivityAgent', 'HealthAgent', 'SecurityAgent', 'WifiAgent']) {
      const row = table.getByRole('row').filter({ hasText: name });
      await row.getByText('Running').first().waitFor();
    }
    expect(await table.getByRole('row').count()).toBe(5);
    await screenshot('fleet');
  });

  test('a finding appears by itself, without a reload', async () => {
    await page.getByRole('link', { name: 'Findings', exact: true }).first().click();
    await page.getByRole('heading', { name: 'Findings' }).first().waitFor();
    await page.evaluate('globalThis.neverReloaded = true');
    const sent = performance.now();
    await sendUdp(shared.product.syslog, attempt('root', '203.0.113.30'));
    const row = page.getByRole('row').filter({ hasText: '203.0.113.30' });
    await row.waitFor();
    console.log(`the finding is on the page after ${Math.round(performance.now() - sent)} ms`);
    expect(await row.innerText()).toContain('SecurityAgent');
    expect(await page.evaluate('globalThis.neverReloaded')).toBe(true);
  });

  test('hostile text stays text, in the list and in the details', async () => {
    await sendUdp(shared.product.syslog, attempt(HOSTILE, '203.0.113.31'));
    const row = page.getByRole('row').filter({ hasText: '203.0.113.31' });
    await row.waitFor();
    expect(await row.innerText()).toContain(HOSTILE);
    await screenshot('findings');
    await row.getByRole('button').first().click();
    const details = page.getByRole('dialog');
    await details.getByText(HOSTILE).first().waitFor();
    await screenshot('details');
    expect(await page.locator('img[src="x"]').count()).toBe(0);
    expect(await page.evaluate('globalThis.hurt')).toBeUndefined();
  });

  test('a reload keeps the session, and nothing was refused or failed on the way', async () => {
    await page.goto(shared.product.url);
    await page.getByRole('table', { name: 'Agents, worst first' }).waitFor();
    expect(visitor.complaints).toEqual([]);
  });
}
