/** Configurations on the page. */
import type { Locator, Page } from 'playwright-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { axeFaults } from '../browser.ts';
import { limits } from '../limits.ts';
import { expectAccessible, heading, open as openScreen, row, view } from '../screens.ts';
import { beginSuite, newestLayer, type SharedPage, send } from './bench.ts';

const HOSTILE = '<img src=x onerror="window.hurt=1">';
/** Remembers what alerts say, however short they are there. */
const WATCH_ALERTS = `
  window.alerts = [];
  new MutationObserver(() => {
    for (const alert of document.querySelectorAll('[role=alert]')) window.alerts.push(alert.textContent);
  }).observe(document.body, { subtree: true, childList: true, characterData: true });`;
const TITLE = 'Configuration of PickyAgent';

/** It counts the versions of PickyAgent's layer from the first: no other suite beside it may write that one. */
export function configSuite(shared: SharedPage): void {
  const bench = beginSuite(shared);
  let agentId = '';

  beforeAll(async () => {
    agentId = (await bench.product.agent('PickyAgent')).agent_id;
  });

  const open = (page: Page, path: string, title: string) =>
    openScreen(bench.product, page, path, title);
  const put = (path: string, body: object) => send(bench.product, 'PUT', path, body);
  const own = () => newestLayer(bench.product, `/agents/${agentId}/config`);
  const editor = (page: Page) => page.getByLabel('Configuration as JSON');
  const address = (rest = '') => `/configs/agents/${agentId}${rest}`;

  async function write(page: Page, document: object): Promise<void> {
    await editor(page).fill(JSON.stringify(document));
    await page.getByText(/^Valid\./).waitFor();
  }

  /** From the editor to the last look. */
  async function review(page: Page): Promise<Locator> {
    await page.getByRole('button', { name: 'Review and publish' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.waitFor();
    return dialog;
  }

  async function publish(page: Page, reason: string): Promise<void> {
    const dialog = await review(page);
    await dialog.getByLabel('Reason').fill(reason);
    await dialog.getByRole('button', { name: 'Publish' }).click();
    await page.getByText(/^Version \d+ is published/).waitFor();
  }

  test('the fleet leads to what an agent is told, each value with the layer it comes from', async () => {
    const { page } = bench.admin;
    await page.getByRole('link', { name: /configuration of PickyAgent$/ }).click();
    await heading(page, TITLE);
    await row(page, 'monitoring.heartbeat_interval').getByText('Defaults').waitFor();
    await row(page, 'subscribed_topics').getByText('Package').waitFor();
    const layers = page.getByRole('table', { name: 'Layers, the lowest first' });
    const names = await layers.getByRole('row').allInnerTexts();
    const order = ['Defaults', 'Package', 'Variables', 'Fleet', 'This agent', 'For a while'];
    expect(names.slice(1).map((text) => order.find((name) => text.startsWith(name)))).toEqual(
      order,
    );
  });

  describe('the layer of an agent', () => {
    test('is judged while one types: what is no JSON, and what the server refuses, by line and path', async () => {
      const { page } = bench.admin;
      await view(page, 'Change').click();
      const button = page.getByRole('button', { name: 'Review and publish' });
      await editor(page).fill('{\n  "processing": {}\n  "limit": 5\n}');
      await page.getByText('Line 3, character 3').waitFor();
      expect(await button.isDisabled()).toBe(true);
      await editor(page).fill('{\n  "processing": {\n    "batch_size": 0\n  }\n}');
      await page.getByText('processing.batch_size').waitFor();
      expect(await button.isDisabled()).toBe(true);
      await page.getByRole('button', { name: 'Go to line 3' }).click();
      expect(await page.evaluate('document.getSelection().toString()')).toContain('batch_size');
    });

    test('is published with a reason, after a look at what changes and whom it reaches', async () => {
      const { page } = bench.admin;
      await write(page, { limit: 5, key: { $secret: 'rosebud' }, processing: { batch_size: 50 } });
      const dialog = await review(page);
      await dialog.getByText('1 agent changes').waitFor();
      await dialog.getByRole('row').filter({ hasText: 'processing.batch_size' }).waitFor();
      await dialog.getByRole('button', { name: 'Cancel' }).click();
      await page.evaluate(WATCH_ALERTS);
      await publish(page, HOSTILE);
      // One's own version is nobody else's: not even for a moment.
      expect(await page.evaluate('window.alerts')).toEqual([]);
      await view(page, 'In force').click();
      const changed = row(page, 'processing.batch_size');
      await changed.getByText('50', { exact: true }).waitFor();
      await changed.getByText('v1 by admin').waitFor();
      await row(page, 'key').getByText('secret', { exact: true }).waitFor();
      expect(await page.content()).not.toContain('rosebud');
      // What people write stays text.
      await page.getByText(HOSTILE).waitFor();
      expect(await page.locator('img').count()).toBe(0);
    });

    test('keeps the text when somebody else was faster, and brings both changes together', async () => {
      const { page } = bench.admin;
      await view(page, 'Change').click();
      const mine = { limit: 6, key: { $secret: '********' }, processing: { batch_size: 50 } };
      await write(page, mine);
      const dialog = await review(page);
      await dialog.getByLabel('Reason').fill('mine');
      const theirs = { limit: 5, key: { $secret: '********' }, processing: { batch_size: 70 } };
      await put(`/agents/${agentId}/config?reason=theirs`, theirs);
      await dialog.getByRole('button', { name: 'Publish' }).click();
      const conflict = page.getByRole('alert', { name: 'Meanwhile version 2 was published' });
      await conflict.getByText('theirs').waitFor();
      const row2 = conflict.getByRole('row').filter({ hasText: 'processing.batch_size' });
      await row2.getByText('70', { exact: true }).waitFor();
      expect(JSON.parse(await editor(page).inputValue())).toEqual(mine);
      await conflict.getByRole('button', { name: 'Put my changes on top' }).click();
      await page.getByText('Your changes stand on the newest version now').waitFor();
      await page.getByText(/^Valid\./).waitFor();
      await publish(page, 'both');
      expect(await own()).toMatchObject({
        version: 3,
        config: { limit: 6, processing: { batch_size: 70 } },
      });
    });

    test('an unpublished text is not lost by a click elsewhere', async () => {
      const { page } = bench.admin;
      await view(page, 'Change').click();
      await write(page, { limit: 7 });
      await view(page, 'History').click();
      await page
        .getByRole('navigation', { name: 'Main' })
        .getByRole('link', { name: 'Fleet' })
        .click();
      const dialog = page.getByRole('dialog', { name: 'Leave without publishing?' });
      await dialog.getByRole('button', { name: 'Cancel' }).click();
      await dialog.waitFor({ state: 'detached' });
      await view(page, 'Change').click();
      expect(JSON.parse(await editor(page).inputValue())).toEqual({ limit: 7 });
      await page.getByRole('button', { name: 'Discard' }).click();
      await page.getByText('Nothing is changed.').waitFor();
    });

    test('its history compares any two versions and leads back to one', async () => {
      const { page } = bench.admin;
      await view(page, 'History').click();
      await page.getByLabel('From version', { exact: true }).selectOption('1');
      await page.getByLabel('To version', { exact: true }).selectOption('3');
      const changes = page.getByRole('table', { name: 'Changes of version 3' });
      await changes.getByRole('row').filter({ hasText: 'limit' }).getByText('6').waitFor();
      expect(new URL(page.url()).search).toBe('?view=history&from=1&to=3');
      await page.getByRole('button', { name: 'Roll back to version 1' }).click();
      const dialog = page.getByRole('dialog', { name: 'Roll back to version 1' });
      await dialog.getByText('1 agent changes').waitFor();
      await dialog.getByLabel('Reason').fill('it was better');
      await dialog.getByRole('button', { name: 'Roll back' }).click();
      await page.getByText('Rolled back to version 1, as version 4.').waitFor();
      await row(page, 'v4').getByText('it was better').waitFor();
      expect(await own()).toMatchObject({ version: 4, config: { limit: 5 } });
    });
  });

  test('what holds for a while is set with its end, and kept', async () => {
    const { page } = bench.admin;
    await view(page, 'For a while').click();
    await page.getByLabel('Log level').selectOption('DEBUG');
    await page.getByLabel('For', { exact: true }).selectOption('1 hour');
    await page.getByLabel('Reason').fill('looking closer');
    await page.getByRole('button', { name: 'Set', exact: true }).click();
    await page.getByText('It is set; the agent takes it over at once.').waitFor();
    await page.getByText(/^in (59:\d\d min|1 h)$/).waitFor();
    await page.getByRole('button', { name: 'Keep' }).click();
    const dialog = page.getByRole('dialog', { name: 'Keep it?' });
    await dialog.getByLabel('Reason').fill('for good');
    await dialog.getByRole('button', { name: 'Keep' }).click();
    await page.getByText('Nothing: the layers below hold.').waitFor();
    expect((await own())?.config).toMatchObject({ limit: 5, monitoring: { log_level: 'DEBUG' } });
  });

  describe('what holds for a while', () => {
    const json = (page: Page) => page.getByLabel('What shall hold, as JSON');
    const set = (page: Page) => page.getByRole('button', { name: 'Set', exact: true });

    test('is judged while one types, with the line of each fault', async () => {
      const { page } = bench.admin;
      await json(page).fill('{\n  "monitoring": {\n    "log_level": "LOUD"\n  }\n}');
      await page.getByText('monitoring.log_level').waitFor();
      await page.getByRole('button', { name: 'Go to line 3' }).click();
      expect(await page.evaluate('document.getSelection().toString()')).toContain('LOUD');
      expect(await set(page).isDisabled()).toBe(true);
      expect(await page.getByLabel('Log level').inputValue()).toBe('LOUD');
      expect(await axeFaults(page)).toEqual([]);
      await page.getByLabel('Log level').selectOption('WARNING');
      await page.getByText('Valid. 1 agent changes').waitFor();
      expect(await set(page).isEnabled()).toBe(true);
    });

    test('keeps the text when somebody else was faster, also while other views are looked at', async () => {
      const { page } = bench.admin;
      const mine = '{"monitoring":{"log_level":"ERROR"}}';
      await json(page).fill(mine);
      await page.getByLabel('Reason').fill('mine');
      await put(`/agents/${agentId}/config/runtime?reason=theirs`, {
        monitoring: { log_level: 'INFO' },
      });
      const moved = page.getByRole('alert').filter({ hasText: 'changed what holds for a while' });
      await moved.waitFor();
      expect(await json(page).inputValue()).toBe(mine);
      expect(await set(page).isDisabled()).toBe(true);
      await view(page, 'History').click();
      await view(page, 'For a while').click();
      expect(await json(page).inputValue()).toBe(mine);
      await moved.getByRole('button', { name: 'Go on with mine' }).click();
      await page.getByLabel('Reason').fill('mine after all');
      await set(page).click();
      await page.getByText('It is set; the agent takes it over at once.').waitFor();
      await row(page, 'monitoring.log_level').getByText('"ERROR"').waitFor();
      // It begins anew: a reason is of one change.
      expect(await page.getByLabel('Reason').inputValue()).toBe('');
      await page.getByRole('button', { name: 'Clear', exact: true }).click();
      const dialog = page.getByRole('dialog', { name: 'Clear what holds for a while?' });
      await dialog.getByLabel('Reason').fill('enough');
      await dialog.getByRole('button', { name: 'Clear' }).click();
      await page.getByText('Nothing: the layers below hold.').waitFor();
    });
  });

  test('who may only look is offered no change, wherever the address leads', async () => {
    const { context, page } = await bench.visitAsReader('noc-of-configs');
    await open(page, address('?view=edit'), TITLE);
    await row(page, 'findings_topic').waitFor();
    expect(await view(page, 'Change').count()).toBe(0);
    expect(await editor(page).count()).toBe(0);
    await open(page, address('?view=history'), TITLE);
    await row(page, 'v1').waitFor();
    expect(await page.getByRole('button', { name: /Roll back/ }).count()).toBe(0);
    await open(page, address('?view=runtime'), TITLE);
    await page.getByText('Nothing: the layers below hold.').waitFor();
    expect(await page.getByLabel('Log level').count()).toBe(0);
    await open(page, '/groups', 'Groups');
    expect(await page.getByRole('button', { name: 'New group' }).count()).toBe(0);
    // A refusal of the server is told in words.
    await open(page, '/configs/agents/nobody', 'Configuration of nobody');
    await page.getByRole('alert').getByText('No agent nobody').waitFor();
    await context.close();
  });

  test('every screen is accessible, in light and dark, wide and narrow', async () => {
    const { page } = bench.admin;
    await expectAccessible(
      bench.product,
      page,
      [
        ['/configs', 'Configuration'],
        ['/configs/environments/staging', 'Configuration of staging'],
        [address(), TITLE],
        [address('?view=edit'), TITLE],
        [address('?view=history'), TITLE],
        [address('?view=runtime'), TITLE],
      ],
      [390],
    );
  }, 120_000);

  test('what the agent would fall back to is shown, what differs since, and the way back', async () => {
    const { page } = bench.admin;
    await open(page, address('?view=delivery'), TITLE);
    const section = page.getByRole('region', { name: 'What it would fall back to' });
    // It proves itself when it has gone well for a while: the two tests before passed the time.
    await section.getByText('it was well with it').waitFor({ timeout: limits.agentsMs });
    const { version = 0 } = (await own()) ?? {};
    await put(`/agents/${agentId}/config?reason=much`, {
      limit: 9,
      key: { $secret: '********' },
      processing: { batch_size: 9 },
    });
    const since = section.getByRole('table', { name: 'What its own layer says since' });
    await since
      .getByRole('row')
      .filter({ hasText: 'processing.batch_size' })
      .getByText('9')
      .waitFor();
    expect(await axeFaults(page)).toEqual([]);
    await section.getByRole('button', { name: `Roll back to version ${version}` }).click();
    const dialog = page.getByRole('dialog', { name: `Roll back to version ${version}` });
    await dialog.getByText('1 agent changes').waitFor();
    await dialog.getByLabel('Reason').fill('it was well with it');
    await dialog.getByRole('button', { name: 'Roll back' }).click();
    await page.getByText(`Rolled back to version ${version}, as version ${version + 2}.`).waitFor();
    expect((await own())?.config).toMatchObject({ limit: 5 });
  }, 120_000);

  test('a configuration that the agent refuses shows with its path, what it goes on with, and another try', async () => {
    const { page } = bench.admin;
    await put(`/agents/${agentId}/config?reason=too+much`, { limit: 50 });
    await view(page, 'Delivery').click();
    await page.getByText('Rejected', { exact: true }).waitFor();
    await page.getByText('is more than 10').first().waitFor();
    await page.getByText('Goes on with').waitFor();
    await page.getByRole('heading', { name: 'Failed on it before' }).waitFor();
    expect(await axeFaults(page)).toEqual([]);
    await open(page, '/configs?state=rejected', 'Configuration');
    await row(page, 'PickyAgent').getByText('limit: is more than 10').waitFor();
    await row(page, 'PickyAgent').getByRole('link').click();
    await view(page, 'Delivery').click();
    await page.getByRole('button', { name: 'Offer it again' }).click();
    await page.getByText('It is offered again.').waitFor();
    await put(`/agents/${agentId}/config?reason=less`, { limit: 5 });
    await page.getByText('Applied', { exact: true }).waitFor();
  });

  test('nothing failed or was refused on the way', () => {
    // The one refusal that was provoked: somebody else was faster.
    const unexpected = bench.admin.complaints.filter(
      (complaint) => !complaint.includes('status of 412'),
    );
    expect(unexpected).toEqual([]);
  });
}
