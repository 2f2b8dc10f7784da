/** Groups on the page. */
import type { Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import { axeFaults } from '../browser.ts';
import { expectAccessible, heading, open as openScreen, row, view } from '../screens.ts';
import { beginSuite, type SharedPage, send } from './bench.ts';

const TEST_MS = 60_000;

export function groupsSuite(shared: SharedPage): void {
  const bench = beginSuite(shared);
  let address = '';

  beforeAll(async () => {
    const { agent_id } = await bench.product.agent('PickyAgent');
    address = `/configs/agents/${agent_id}`;
  });

  const open = (page: Page, path: string, title: string) =>
    openScreen(bench.product, page, path, title);

  /** The form of the group `wide`, on its screen. */
  async function edit(page: Page) {
    await open(page, '/groups/wide', 'Group wide');
    await page.getByRole('button', { name: 'Edit group' }).click();
    return page.getByRole('dialog', { name: 'Change the group wide' });
  }

  test('a group shows whom it reaches before it is made, and gives its agents a layer', {
    timeout: TEST_MS,
  }, async () => {
    const { page } = bench.admin;
    await open(page, '/groups', 'Groups');
    await page.getByRole('button', { name: 'New group' }).click();
    const form = page.getByRole('dialog', { name: 'New group' });
    await form.getByLabel('Name', { exact: true }).fill('wide');
    await form.getByLabel('Selector').fill('name=PickyAgent site');
    await form.getByText('at character 16').waitFor();
    await form.getByLabel('Selector').fill('name=PickyAgent');
    await form.getByText('1 of 2 agents').waitFor();
    await form.getByText('No agent is told anything else.').waitFor();
    expect(await axeFaults(page)).toEqual([]);
    await form.getByRole('button', { name: 'Save the group' }).click();
    await page.getByText(/^The group wide is saved/).waitFor();
    await page.getByRole('link', { name: 'wide' }).click();
    await heading(page, 'Group wide');
    await view(page, 'Change').click();
    await page.getByLabel('Configuration as JSON').fill('{"processing":{"timeout":45}}');
    await page.getByText(/^Valid\./).waitFor();
    await page.getByRole('button', { name: 'Review and publish' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Reason').fill('slow uplink');
    await dialog.getByRole('button', { name: 'Publish' }).click();
    await page.getByText(/^Version 1 is published/).waitFor();
    await open(page, address, 'Configuration of PickyAgent');
    await row(page, 'processing.timeout').getByRole('link', { name: 'Group wide' }).click();
    await heading(page, 'Group wide');
  });

  test('another selector says before it is saved how many are told something else', {
    timeout: TEST_MS,
  }, async () => {
    const { page } = bench.admin;
    const form = await edit(page);
    await form.getByLabel('Selector').fill('name=CalmAgent');
    await form.getByText('1 joins · 1 leaves').waitFor();
    await form.getByText('2 agents are told something else.').waitFor();
    await form.getByLabel('Selector').fill('name in (PickyAgent)');
    await form.getByText('No agent is told anything else.').waitFor();
    await form.getByRole('button', { name: 'Cancel' }).click();
    await form.waitFor({ state: 'detached' });
    // Back to where one was before the dialog.
    await page.locator('button:focus', { hasText: 'Edit group' }).waitFor();
  });

  test('a selector that the layer does not fit is not saved, and says for whom and where', {
    timeout: TEST_MS,
  }, async () => {
    const { page } = bench.admin;
    await send(bench.product, 'PUT', '/groups/wide', { selector: 'name=CalmAgent' });
    await send(bench.product, 'PUT', '/groups/wide/config?reason=far', { channel: 99 });
    const form = await edit(page);
    await form.getByLabel('Selector').fill('name in (CalmAgent, PickyAgent)');
    await form.getByText('the layer of this group does not fit 1 agent.').waitFor();
    const told = form.getByRole('list', { name: 'Agents that its layer does not fit' });
    await told.getByText('PickyAgent').waitFor();
    await told.getByText('channel', { exact: true }).waitFor();
    const save = form.getByRole('button', { name: 'Save the group' });
    expect(await save.isDisabled()).toBe(true);
    expect(await axeFaults(page)).toEqual([]);
    await form.getByLabel('Selector').fill('name=CalmAgent, id!=nobody');
    await form.getByText('No agent is told anything else.').waitFor();
    await save.click();
    await page.getByText(/^The group wide is saved; no agent/).waitFor();
  });

  test('every screen is accessible, in light and dark, and as wide as the page', {
    timeout: TEST_MS,
  }, async () => {
    await expectAccessible(bench.product, bench.admin.page, [
      ['/groups', 'Groups'],
      ['/groups/wide', 'Group wide'],
      ['/groups/wide?view=edit', 'Group wide'],
    ]);
  });

  test('a group is deleted by its typed name, and its layer reaches nobody any more', {
    timeout: TEST_MS,
  }, async () => {
    const { page } = bench.admin;
    await open(page, '/groups/wide', 'Group wide');
    await page.getByRole('button', { name: 'Delete' }).click();
    const dialog = page.getByRole('dialog', { name: 'Delete the group wide?' });
    await dialog.getByLabel('Type wide to confirm').fill('wide');
    await dialog.getByRole('button', { name: 'Delete' }).click();
    await page.getByText('The group wide is deleted.').waitFor();
    await page.getByText('No groups yet').waitFor();
    await open(page, address, 'Configuration of PickyAgent');
    await row(page, 'processing.timeout').getByText('Defaults').waitFor();
  });

  test('nothing failed or was refused on the way', () => {
    expect(bench.admin.complaints).toEqual([]);
  });
}
