/** Rules on the page: seen, tried, and a finding proven. */
import { waitFor } from '@opmas/testkit';
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { axeFaults } from '../browser.ts';
import { limits } from '../limits.ts';
import { expectAccessible, heading, open as openScreen } from '../screens.ts';
import { beginSuite, type SharedPage, send } from './bench.ts';

const HOSTILE = '<img src=x onerror="window.hurt=1">';
const MESSAGE = "Bad password attempt for 'root' from 198.51.100.77:40022";
const TEST_MS = 60_000;

/** Put beside what the package brings, so that a reference and a name of somebody's own are there. */
const OWN = {
  id: 'own',
  name: `Own ${HOSTILE}\u202e`,
  pattern: 'never in any line',
  severity: 'critical',
  action: 'alert',
  references: ['T1110.001', 'javascript:window.hurt=1'],
};
const GUESSING = {
  id: 'guessing',
  name: 'Password guessing',
  kind: 'threshold',
  pattern: 'Bad password attempt',
  where: { program: 'dropbear' },
  count: 2,
  within_seconds: 60,
  suppress_seconds: 600,
  severity: 'error',
  action: 'alert',
};
const WRONG = {
  id: 'wrong-password',
  name: 'Wrong password',
  pattern: 'Bad password attempt',
  severity: 'warning',
  action: 'alert',
};

/** For a product with SecurityAgent. It ends with no other rules than its own in force. */
export function rulesSuite(shared: SharedPage): void {
  const bench = beginSuite(shared);
  let agentId: string;
  let finding: string;

  beforeAll(async () => {
    const { product } = bench;
    agentId = (await product.agent('SecurityAgent')).agent_id;
    // What the others bring is out of the way.
    await send(product, 'PUT', '/config', { rules: [] });
    await send(product, 'PUT', `/agents/${agentId}/config`, { rules: [OWN, GUESSING, WRONG] });
    // Only what matched after the change makes a finding of these rules.
    finding = await waitFor(
      async () => {
        const events = [{ message: MESSAGE, program: 'dropbear' }];
        await send(product, 'POST', '/events?domain=auth', events);
        const found = await product.findings();
        return found.find(({ details }) => details['rule_id'] === 'wrong-password')?.finding_id;
      },
      { timeoutMs: limits.agentsMs, what: 'a finding of the new rules' },
    );
  }, limits.agentsMs);

  const open = (page: Page, path: string, title: string) =>
    openScreen(bench.product, page, path, title);

  describe('rules in force', () => {
    test('are listed, found by what they are, and kept in the address', {
      timeout: TEST_MS,
    }, async () => {
      const { page } = bench.admin;
      await page.getByRole('link', { name: 'Rules', exact: true }).click();
      await heading(page, 'Rules');
      const rows = page.getByRole('table', { name: 'Rules in force' }).getByRole('row');
      await page.getByText('3 rules').waitFor();
      expect(await rows.count()).toBe(4);
      await page.getByRole('button', { name: 'Critical' }).click();
      await page.getByText('1 of 3 rules').waitFor();
      expect(await rows.nth(1).innerText()).toContain('Never matched');
      expect(new URL(page.url()).searchParams.get('severity')).toBe('critical');
      await open(page, '/rules?kind=threshold&sort=name', 'Rules');
      await page.getByText('1 of 3 rules').waitFor();
      expect(await rows.nth(1).innerText()).toContain('Password guessing');
      await page.getByRole('button', { name: 'Clear filters' }).click();
      await page.getByText('3 rules', { exact: true }).waitFor();
    });

    test('open whole, and what their author wrote leads nowhere but to a page', {
      timeout: TEST_MS,
    }, async () => {
      const { page } = bench.admin;
      await open(page, '/rules?rule=own', 'Rules');
      const sheet = page.getByRole('dialog', { name: 'Rule' });
      await sheet.getByText(`Own ${HOSTILE}\\u{202e}`).waitFor();
      const link = sheet.getByRole('link', { name: /^T1110\.001/ });
      expect(await link.getAttribute('href')).toBe(
        'https://attack.mitre.org/techniques/T1110/001/',
      );
      expect(await link.getAttribute('rel')).toBe('noopener noreferrer');
      await sheet.getByText('javascript:window.hurt=1', { exact: true }).waitFor();
      expect(await sheet.locator('a[href^="javascript"]').count()).toBe(0);
      expect(await page.locator('img').count()).toBe(0);
      await open(page, '/rules?rule=guessing', 'Rules');
      await sheet.getByText('2 events within 1 min; then quiet for 10 min').waitFor();
      await sheet.getByText('program: "dropbear"').waitFor();
    });
  });

  describe('a trial', () => {
    test('of a rule begins with its text, and tells every step of given lines', {
      timeout: TEST_MS,
    }, async () => {
      const { page } = bench.admin;
      await page.getByRole('dialog').getByRole('link', { name: 'Try it' }).click();
      await heading(page, 'Try rules');
      const rules = page.getByLabel('Rules (JSON)');
      await waitFor(async () => (await rules.inputValue()).includes('"guessing"'), {
        timeoutMs: limits.waitMs,
        what: 'the text of the rule',
      });
      const event = JSON.stringify({ message: MESSAGE, program: 'dropbear' });
      await page
        .getByLabel('Lines', { exact: true })
        .fill([event, event, MESSAGE, 'calm'].join('\n'));
      await rules.fill(JSON.stringify({ ...GUESSING, count: 1 }));
      await page.getByRole('button', { name: 'Try', exact: true }).click();
      const result = page.getByRole('status').filter({ hasText: 'Result' });
      await result.getByText('May be published').waitFor();
      // A threshold of one tells the first, then is quiet; before, the second completed it.
      await result.getByText('1 finding gained').waitFor();
      await result.getByText('1 finding lost').waitFor();
      await result.getByText(/threshold of 1 within 60 s.*complete: 1 from/).waitFor();
      await result.getByText(/not counted: suppressed/).waitFor();
      await result.getByText(/is absent; asked for is/).waitFor();
      await result.getByText('No pattern stands in it.').waitFor();
      // The others of the agent ran beside it.
      await result.getByRole('cell', { name: 'Wrong password' }).waitFor();
    });

    test('runs on what was recorded, and says what is wrong with rules', {
      timeout: TEST_MS,
    }, async () => {
      const { page } = bench.admin;
      const submit = page.getByRole('button', { name: 'Try', exact: true });
      await page.getByLabel('On which events').selectOption('newest');
      await submit.click();
      const result = page.getByRole('status').filter({ hasText: 'Result' });
      await result.getByText('A window that was open before the first event').waitFor();
      await page.getByLabel('Rules (JSON)').fill('[{"id":]');
      await submit.click();
      await page.getByText('Line 1, character 8').waitFor();
      expect(await result.count()).toBe(0);
      await page
        .getByLabel('Rules (JSON)')
        .fill(JSON.stringify({ ...WRONG, kind: 'regex', pattern: '(' }));
      await submit.click();
      await result.getByText('May not be published').waitFor();
      await result.getByText(/^rules\[\d\]\.pattern/).waitFor();
      // A refusal of the server stands above the form, in its words.
      await page.getByLabel('On which events').selectOption('range');
      await page.getByLabel('Domain').fill('auth');
      await page.getByLabel('From').fill('2999-01-01T00:00');
      await submit.click();
      await page.getByRole('alert').getByText('must be later than from').first().waitFor();
    });

    test('is kept while another screen is looked at', { timeout: TEST_MS }, async () => {
      const { page } = bench.admin;
      await page.getByRole('link', { name: 'All rules' }).click();
      await heading(page, 'Rules');
      await page.getByRole('link', { name: 'Try rules' }).click();
      await heading(page, 'Try rules');
      expect(await page.getByLabel('Rules (JSON)').inputValue()).toContain('"pattern":"("');
      expect(await page.getByLabel('Domain').inputValue()).toBe('auth');
    });
  });

  test('a finding is proven: the event as recorded, the rule, and the same again', {
    timeout: TEST_MS,
  }, async () => {
    const { page } = bench.admin;
    await open(page, `/findings?finding=${finding}`, 'Findings');
    const details = page.getByRole('dialog', { name: 'Finding' });
    await details.getByRole('button', { name: 'Prove it' }).click();
    await details.getByText('The same again').waitFor();
    await details.getByText('SecurityAgent 1.0.0').waitFor();
    await details.getByText('the rules in force').waitFor();
    const bytes = details.getByLabel('The event as the broker keeps it');
    expect(JSON.parse(await bytes.innerText())).toMatchObject({ message: MESSAGE });
    const proof = await bench.product.call('GET', `/api/v1/findings/${finding}/proof`);
    const { event } = proof.body as { event: { recorded: { sha256: string; json: string } } };
    expect(await bytes.innerText()).toBe(event.recorded.json);
    await details.getByTitle(event.recorded.sha256).waitFor();
    expect(await axeFaults(page)).toEqual([]);
  });

  test('sources show when each was last heard, and the fleet tells of those that fell silent', {
    timeout: TEST_MS,
  }, async () => {
    const { page } = bench.admin;
    await open(page, '/', 'Fleet');
    expect(await page.getByText(/fell silent/).count()).toBe(0);
    await page.getByRole('link', { name: 'Sources', exact: true }).click();
    await heading(page, 'Sources');
    // A rhythm takes minutes to be known, and silence longer: these are told to the page in the server's form.
    const at = (seconds: number) => new Date(Date.now() - seconds * 1_000).toISOString();
    const source = {
      agent_id: agentId,
      agent_name: 'SecurityAgent',
      topic: 'logs.security',
      first_at: at(86_400),
      longest_gap: 61.5,
    };
    const silent = {
      ...source,
      host: HOSTILE,
      last_at: at(7_300),
      silent_after: 300,
      silent: true,
    };
    const heard = { ...source, host: null, last_at: at(9), silent_after: null, silent: false };
    await page.route('**/api/v1/sources?*', (route) =>
      route.fulfill({
        json: {
          items: route.request().url().includes('silent=true') ? [silent] : [silent, heard],
          next_cursor: null,
        },
      }),
    );
    await open(page, '/', 'Fleet');
    await page.getByRole('link', { name: '1 source fell silent' }).click();
    await heading(page, 'Sources');
    const rows = page.getByRole('table', { name: /^Sources/ }).getByRole('row');
    const row = rows.filter({ hasText: HOSTILE });
    await row.getByText('Silent', { exact: true }).waitFor();
    await row.getByText('2 h ago').waitFor();
    expect(await rows.count()).toBe(2);
    expect(await page.locator('img').count()).toBe(0);
    await page.getByRole('button', { name: 'Silent', pressed: true }).click();
    await rows.filter({ hasText: 'the whole topic' }).getByText('No rhythm yet').waitFor();
    expect(new URL(page.url()).search).toBe('');
    expect(await axeFaults(page)).toEqual([]);
    await page.unrouteAll();
  });

  test('a read-only user sees rules and proofs, and is offered no trial', {
    timeout: TEST_MS,
  }, async () => {
    const { context, page, complaints } = await bench.visitAsReader('noc-of-rules');
    await open(page, '/rules?rule=guessing', 'Rules');
    await page.getByRole('dialog', { name: 'Rule' }).getByText('2 events within 1 min').waitFor();
    expect(await page.getByText('Try it').count()).toBe(0);
    expect(await page.getByText('Try rules').count()).toBe(0);
    await open(page, '/rules/try', 'Try rules');
    await page.getByText('needs the permission configs:write').waitFor();
    expect(await page.getByLabel('Rules (JSON)').count()).toBe(0);
    expect(complaints).toEqual([]);
    await context.close();
  });

  test('every screen is accessible, in light and dark, and as wide as the page', {
    timeout: TEST_MS * 2,
  }, async () => {
    const { page } = bench.admin;
    await expectAccessible(bench.product, page, [
      ['/rules', 'Rules'],
      ['/rules?rule=guessing', 'Rules'],
      [`/rules/try?agent=${agentId}&rule=guessing`, 'Try rules'],
    ]);
  });

  test('nothing failed or was refused on the way', () => {
    // The refusal that was provoked: a time that ends before it begins.
    expect(bench.admin.complaints.filter((complaint) => !/status of 400/.test(complaint))).toEqual(
      [],
    );
  });
}
