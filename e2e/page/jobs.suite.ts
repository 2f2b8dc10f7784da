/** Jobs on the page: actions on chosen agents, and the list. No other suite beside it may have made jobs. */
import { waitFor } from '@opmas/testkit';
import type { Page } from 'playwright-core';
import { describe, expect, test } from 'vitest';
import { axeFaults } from '../browser.ts';
import { limits } from '../limits.ts';
import { becomes, expectAccessible, heading, open as openScreen } from '../screens.ts';
import { beginSuite, type SharedPage } from './bench.ts';

const TEST_MS = 90_000;

export function jobsSuite(shared: SharedPage): void {
  const bench = beginSuite(shared);
  /** The job whose page was looked at last. */
  let jobPath = '';

  const open = (page: Page, path: string, title: string | RegExp) =>
    openScreen(bench.product, page, path, title);

  describe('an action on chosen agents', () => {
    test('is asked about, and leads to its job', { timeout: TEST_MS }, async () => {
      const { page } = bench.admin;
      await page.getByRole('checkbox', { name: 'Choose CalmAgent' }).check();
      await page.getByText('1 agent chosen').waitFor();
      await page.getByRole('button', { name: 'Choose all 2 shown' }).click();
      await page.getByText('2 agents chosen').waitFor();
      expect(await axeFaults(page)).toEqual([]);
      await page.getByRole('button', { name: 'Restart', exact: true }).click();
      await page.getByRole('dialog').waitFor();
      await page.keyboard.press('Escape');
      // Back to where one was before the dialog.
      await page.locator('button:focus', { hasText: 'Restart' }).waitFor();
      await page.getByRole('button', { name: 'Tags', exact: true }).click();
      const dialog = page.getByRole('dialog', { name: 'Tags of 2 agents' });
      await dialog.getByText('CalmAgent, PickyAgent').waitFor();
      await dialog.getByRole('button', { name: 'Do it' }).click();
      await dialog.getByRole('alert').getByText('Say which tags').waitFor();
      await dialog.getByLabel('Add', { exact: true }).fill('site=attic');
      await dialog.getByLabel('Why').fill('found on the roof');
      expect(await axeFaults(page)).toEqual([]);
      await dialog.getByRole('button', { name: 'Do it' }).click();
      await heading(page, 'Tags: 2 agents');
      await page.getByText('found on the roof').waitFor();
      await becomes(page, 'Succeeded');
      const agents = page.getByRole('table', { name: 'Agents of the job, by wave' });
      for (const name of ['CalmAgent', 'PickyAgent']) {
        await agents.getByRole('row').filter({ hasText: name }).getByText('Done').waitFor();
      }
      expect((await bench.product.agents()).map(({ tags }) => tags)).toEqual([
        ['site=attic'],
        ['site=attic'],
      ]);
    });

    test('is followed by the feed alone, without asking again', { timeout: TEST_MS }, async () => {
      const { page } = bench.admin;
      await open(page, '/', 'Fleet');
      await page.getByRole('checkbox', { name: 'Choose PickyAgent' }).check();
      await page.getByRole('button', { name: 'Restart', exact: true }).click();
      await page.getByText('Waves and gates').click();
      // Long enough to be seen under way, also on a busy machine.
      await page.getByLabel('Watch each wave').fill('12');
      await page.getByRole('button', { name: 'Do it' }).click();
      await heading(page, 'Restart: 1 agent');
      await page.getByRole('button', { name: 'Pause' }).waitFor();
      jobPath = new URL(page.url()).pathname;
      const id = jobPath.split('/').at(-1) ?? '';
      // From here on every question about the job stays without an answer.
      await page.route(`**/api/v1/jobs/${id}`, () => undefined);
      await becomes(page, 'Succeeded');
      await page.getByText('Every wave has passed its gates').waitFor();
      expect(await page.getByRole('button', { name: 'Pause' }).count()).toBe(0);
      await page.unrouteAll();
    });
  });

  test('agents that failed may be tried again, and what the server refuses is told in its words', {
    timeout: TEST_MS,
  }, async () => {
    const { page } = bench.admin;
    const { items } = (await bench.product.call('GET', '/api/v1/jobs?kind=action')).body as {
      items: { job_id: string; counts: object }[];
    };
    const [job] = items;
    const id = job?.job_id ?? '';
    // An action of the product seldom fails: this one is told to have failed on one agent.
    await page.route(`**/api/v1/jobs/${id}`, (route) =>
      route.fulfill({ json: { ...job, state: 'failed', counts: { ...job?.counts, failed: 1 } } }),
    );
    await open(page, `/jobs/${id}`, /agent/);
    await page.getByRole('button', { name: 'Retry failed' }).click();
    const asked = page.waitForResponse((answer) => answer.url().endsWith(`/jobs/${id}/retry`));
    await page.getByRole('dialog').getByRole('button', { name: 'Retry failed' }).click();
    // The server knows better, and its refusal is told in its words.
    expect((await asked).status()).toBe(409);
    await page
      .getByRole('dialog')
      .getByRole('alert')
      .getByText('No agent of the job failed')
      .waitFor();
    await page.unrouteAll();
  });

  test('jobs are listed, newest first, and found by state and kind', {
    timeout: TEST_MS,
  }, async () => {
    const { page } = bench.admin;
    await open(page, '/jobs', 'Jobs');
    const rows = page.getByRole('table', { name: 'Jobs, newest first' }).getByRole('row');
    await waitFor(async () => (await rows.count()) === 3, {
      timeoutMs: limits.waitMs,
      what: 'two jobs',
    });
    await page.getByLabel('Kind').selectOption('rollout');
    await page.getByText('No job matches the filter').waitFor();
    await page.getByLabel('Kind').selectOption('action');
    await waitFor(async () => (await rows.count()) === 3, {
      timeoutMs: limits.waitMs,
      what: 'two actions',
    });
    expect(new URL(page.url()).searchParams.get('kind')).toBe('action');
    await rows.nth(1).getByRole('link', { name: 'Restart: 1 agent' }).click();
    await heading(page, 'Restart: 1 agent');
  });

  test('a read-only user sees jobs and is offered nothing', { timeout: TEST_MS }, async () => {
    const { context, page, complaints } = await bench.visitAsReader('noc-of-jobs');
    await page.getByRole('row').filter({ hasText: 'CalmAgent' }).waitFor();
    expect(await page.getByRole('checkbox').count()).toBe(0);
    await open(page, jobPath, /Restart/);
    await page.getByText('Every wave has passed its gates').waitFor();
    expect(await page.getByRole('button', { name: 'Cancel the job' }).count()).toBe(0);
    await open(page, '/jobs', 'Jobs');
    await page.getByRole('table').waitFor();
    expect(await page.getByRole('link', { name: 'New rollout' }).count()).toBe(0);
    await open(page, '/jobs/new', 'New rollout');
    await page.getByText('needs the permissions jobs:write').waitFor();
    expect(complaints).toEqual([]);
    await context.close();
  });

  test('every screen is accessible, in light and dark, and as wide as the page', {
    timeout: TEST_MS * 2,
  }, async () => {
    const { page } = bench.admin;
    await expectAccessible(bench.product, page, [
      ['/jobs', 'Jobs'],
      [jobPath, /Restart/],
      ['/jobs/00000000-0000-7000-8000-000000000000', 'Jobs'],
    ]);
    await page.getByText('There is no such job').waitFor();
  });

  test('nothing failed or was refused on the way', () => {
    // The refusals that were provoked: nothing to try again, and no such job.
    const unexpected = bench.admin.complaints.filter(
      (complaint) => !/status of (?:404|409)/.test(complaint),
    );
    expect(unexpected).toEqual([]);
  });
}
