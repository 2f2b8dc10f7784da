/** Rollouts in waves on the page. */
import type { Page } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { axeFaults } from '../browser.ts';
import { becomes, expectAccessible, heading, open as openScreen } from '../screens.ts';
import { beginSuite, newestLayer, type SharedPage } from './bench.ts';

const TEST_MS = 90_000;

export function rolloutsSuite(shared: SharedPage): void {
  const bench = beginSuite(shared);
  /** The fleet's version when this begins. */
  let before = 0;
  /** The rollout that went back by itself. */
  let jobPath = '';

  beforeAll(async () => {
    before = (await newestLayer(bench.product, '/config'))?.version ?? 0;
  });

  const v = (n: number) => `v${before + n}`;
  const open = (page: Page, path: string, title: string | RegExp) =>
    openScreen(bench.product, page, path, title);

  async function fillRollout(page: Page, document: object): Promise<void> {
    await open(page, '/jobs/new', 'New rollout');
    await page.getByLabel('The whole layer, as JSON').fill(JSON.stringify(document));
    await page.getByLabel('Waves', { exact: true }).fill('1, 100%');
    await page.getByLabel('Watch each wave').fill('1');
  }

  /** To the last look before the fleet's layer is published. */
  async function inEditor(page: Page, document: object, reason: string): Promise<void> {
    await open(page, '/configs/fleet?view=edit', 'Configuration of the fleet');
    await page.getByLabel('Configuration as JSON').fill(JSON.stringify(document));
    await page.getByRole('button', { name: 'Review and publish', disabled: false }).click();
    await page.getByRole('dialog').getByLabel('Reason').fill(reason);
  }

  describe('a rollout', () => {
    test('is checked and refused with the path of each fault', { timeout: TEST_MS }, async () => {
      const { page } = bench.admin;
      await open(page, '/jobs', 'Jobs');
      await page.getByRole('link', { name: 'New rollout' }).click();
      await heading(page, 'New rollout');
      const json = page.getByLabel('The whole layer, as JSON');
      await json.fill('{\n  "monitoring": {\n    "log_level": "LOUD"');
      await page.getByText('Line 3, character 24').waitFor();
      await json.fill('{\n  "monitoring": {\n    "log_level": "LOUD"\n  }\n}');
      await page.getByRole('button', { name: 'Go to line 3' }).first().waitFor();
      await page.getByLabel('Waves', { exact: true }).fill('all of them');
      await page.getByRole('button', { name: 'Start the rollout' }).click();
      await page.getByText('Numbers of agents or shares, as 1, 10%, 100%; at most 20.').waitFor();
      await page.getByLabel('Waves', { exact: true }).fill('1, 100%');
      await page.getByRole('button', { name: 'Start the rollout' }).click();
      await page.getByRole('alert').getByText('monitoring.log_level').first().waitFor();
      // What is typed is there again after another screen was looked at.
      await page.getByRole('link', { name: 'All jobs' }).click();
      await heading(page, 'Jobs');
      await page.getByRole('link', { name: 'New rollout' }).click();
      expect(await json.inputValue()).toContain('"LOUD"');
      expect(await page.getByLabel('Waves', { exact: true }).inputValue()).toBe('1, 100%');
      await page.getByRole('button', { name: 'Begin again with what is in force' }).click();
      expect(await json.inputValue()).toBe('{}');
    });

    test('waits between waves, goes on, and is taken back when it is cancelled', {
      timeout: TEST_MS * 2,
    }, async () => {
      const { page } = bench.admin;
      await fillRollout(page, { limit: 7 });
      await page.getByText('Valid. 2 agents change').waitFor();
      await page.getByLabel('Why').fill('seven is enough');
      await page.getByLabel('Pause after each wave').check();
      await page.getByRole('button', { name: 'Start the rollout' }).click();
      await heading(page, `Roll out the fleet ${v(0)} → ${v(1)}`);
      await becomes(page, 'Paused');
      await page.getByText(/left$/).first().waitFor();
      await page.getByText('0 of at most 0').waitFor();
      await page.getByRole('button', { name: 'Resume' }).click();
      const dialog = page.getByRole('dialog');
      await dialog.getByRole('button', { name: 'Resume' }).click();
      await page.getByText('The job goes on.').waitFor();
      await becomes(page, 'Succeeded');

      // From the editor, with the reason that was given there.
      await inEditor(page, { limit: 8 }, 'eight is better');
      await page.getByRole('button', { name: 'Roll out in waves' }).click();
      await heading(page, 'New rollout');
      await page.getByText(`Began with version ${before + 1}.`).waitFor();
      const json = page.getByLabel('The whole layer, as JSON');
      expect(JSON.parse(await json.inputValue())).toEqual({ limit: 8 });
      expect(await page.getByLabel('Why').inputValue()).toBe('eight is better');
      await page.getByLabel('Waves', { exact: true }).fill('1, 100%');
      await page.getByLabel('Watch each wave').fill('1');
      await page.getByLabel('Pause after each wave').check();
      await page.getByRole('button', { name: 'Start the rollout' }).click();
      await heading(page, `Roll out the fleet ${v(1)} → ${v(2)}`);
      await becomes(page, 'Paused');
      const rollout = new URL(page.url()).pathname;
      // Nobody else writes the layer meanwhile, and whoever tries is led to the job.
      await inEditor(page, { limit: 9 }, 'nine, at once');
      await dialog.getByRole('button', { name: 'Publish' }).click();
      const held = dialog.getByRole('alert');
      await held.getByText('this layer is being rolled out in waves right now').waitFor();
      const link = held.getByRole('link', { name: /^Look at the job/ });
      expect(await link.getAttribute('href')).toBe(rollout);
      expect(await axeFaults(page)).toEqual([]);
      await dialog.getByRole('button', { name: 'Cancel' }).click();
      await page.getByRole('button', { name: 'Discard' }).click();
      await page.getByText('Nothing is changed.').waitFor();

      await open(page, rollout, /Roll out/);
      await page.getByRole('button', { name: 'Cancel the job' }).click();
      await dialog.getByText('Go back: agents that have the new version').waitFor();
      await dialog.getByRole('button', { name: 'Cancel the job' }).click();
      await becomes(page, 'Cancelled');
      await page.getByRole('button', { name: 'Went back 1' }).waitFor();
      await page.getByText(`${v(1)} → ${v(2)}, went back by ${v(3)}`).waitFor();
      const layer = await bench.product.call('GET', '/api/v1/config');
      expect(layer.body).toMatchObject({ version: before + 3, config: { limit: 7 } });
    });

    test('leads back to an old version, from the history', { timeout: TEST_MS }, async () => {
      const { page } = bench.admin;
      await open(page, '/configs/fleet?view=history', 'Configuration of the fleet');
      await page.getByRole('button', { name: `Roll back to version ${before + 2}` }).click();
      await page.getByRole('dialog').getByLabel('Reason').fill('eight after all');
      await page.getByRole('button', { name: 'Roll back in waves' }).click();
      await heading(page, `Roll back the fleet to ${v(2)} in waves`);
      await page.getByText('2 agents change').waitFor();
      expect(await page.getByLabel('Why').inputValue()).toBe('eight after all');
      expect(await axeFaults(page)).toEqual([]);
      await page.getByLabel('Waves', { exact: true }).fill('100%');
      await page.getByLabel('Watch each wave').fill('1');
      await page.getByRole('button', { name: 'Start the rollback' }).click();
      await heading(page, `Roll back the fleet ${v(3)} → ${v(4)}`);
      await becomes(page, 'Succeeded');
      const layer = await bench.product.call('GET', '/api/v1/config');
      expect(layer.body).toMatchObject({ version: before + 4, config: { limit: 8 } });
    });

    test('goes back by itself when a gate closes, and says which and why', {
      timeout: TEST_MS * 2,
    }, async () => {
      const { page } = bench.admin;
      await fillRollout(page, { limit: 99 });
      await page.getByLabel('Waves', { exact: true }).fill('100%');
      await page.getByRole('button', { name: 'Start the rollout' }).click();
      await becomes(page, 'Went back');
      await page.getByText('Not passed').waitFor();
      await page.getByText('1 of at most 0').waitFor();
      await page
        .getByText(/is more than 10/)
        .first()
        .waitFor();
      expect(await page.getByRole('button', { name: 'Retry failed' }).count()).toBe(0);
      jobPath = new URL(page.url()).pathname;
    });
  });

  test('every screen is accessible, in light and dark, and as wide as the page', {
    timeout: TEST_MS * 2,
  }, async () => {
    const { page } = bench.admin;
    await expectAccessible(bench.product, page, [
      [jobPath, /Roll out/],
      ['/jobs/new', 'New rollout'],
      [`/jobs/new?back=${before + 1}`, `Roll back the fleet to ${v(1)} in waves`],
    ]);
  });

  test('nothing failed or was refused on the way', () => {
    // The refusals that were provoked: a layer that is none, and one that a job holds.
    const unexpected = bench.admin.complaints.filter(
      (complaint) => !/status of (?:400|409)/.test(complaint),
    );
    expect(unexpected).toEqual([]);
  });
}
