/** A real browser for the page's tests, and what a page must not have. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { type BrowserContext, type ConsoleMessage, chromium, type Page } from 'playwright-core';
import { limits } from './limits.ts';

const CHROMIUM = process.env['OPMAS_TEST_CHROMIUM'] || '/usr/bin/chromium';
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

export interface Visitor {
  context: BrowserContext;
  page: Page;
  /** Errors of the page, failed requests, and what its content security policy refuses. */
  complaints: string[];
}

export async function launchBrowser() {
  const browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'],
  });
  return {
    close: () => browser.close(),
    /** A browser of its own: its cookies and storage are shared with no other visitor. */
    visit: async (): Promise<Visitor> => {
      const context = await browser.newContext({
        viewport: { width: 1280, height: 800 },
        // Nothing fades: what is looked at is never half there.
        reducedMotion: 'reduce',
      });
      context.setDefaultTimeout(limits.pageMs);
      const complaints: string[] = [];
      context.on('weberror', (error) => complaints.push(`error: ${error.error().message}`));
      context.on('console', (message) => {
        if (message.type() === 'error') complaints.push(`console: ${told(message)}`);
      });
      return { context, page: await context.newPage(), complaints };
    },
  };
}

/** With where it came from: a request that was refused is named by its address alone. */
function told(message: ConsoleMessage): string {
  const { url } = message.location();
  return url === '' ? message.text() : `${message.text()} ${url}`;
}

/** What axe finds against WCAG 2.2 A and AA, one line each. @param rules only these, by their ids */
export async function axeFaults(page: Page, rules?: readonly string[]): Promise<string[]> {
  const options = {
    runOnly: rules ?? ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'],
    // What passes is counted, not described.
    resultTypes: ['violations'],
  };
  if ((await page.evaluate('typeof axe')) === 'undefined') {
    await page.evaluate(readFileSync(AXE, 'utf8'));
  }
  const faults: unknown = await page.evaluate(`
    axe.run(document, ${JSON.stringify(options)})
      .then(({ violations }) => violations.flatMap(({ id, nodes }) =>
        nodes.map(({ target, failureSummary }) => id + ' ' + target.join(' ') + ' ' + failureSummary)))`);
  if (!Array.isArray(faults)) throw new Error('axe gave no list');
  return faults.map(String);
}

/** Everything the page's scripts can read of what this browser keeps. */
export async function readableStores(page: Page): Promise<string> {
  return String(
    await page.evaluate(`(async () => JSON.stringify([
      Object.entries(localStorage), Object.entries(sessionStorage), document.cookie,
      (await indexedDB.databases()).length, await caches.keys(), window.name, location.href,
    ]))()`),
  );
}
