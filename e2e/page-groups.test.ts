/** Groups on the page, in a real browser against the whole product. */
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { axeFaults } from './browser.ts';
import { limits } from './limits.ts';
import {
  expectAccessible,
  heading,
  open as openScreen,
  type PageBench,
  startPage,
} from './screens.ts';

const TEST_MS = 60_000;

let bench: PageBench;
let address = '';

beforeAll(async () => {
  bench = await startPage([
    { folder: 'calm', name: 'CalmAgent' },
    {
      folder: 'picky',
      name: 'PickyAgent',
      schema: { type: 'object', properties: { channel: { type: 'integer', maximum: 13 } } },
    },
  ]);
  const picky = (await bench.product.agents()).find(({ name }) => name === 'PickyAgent');
  address = `/configs/agents/${picky?.agent_id ?? ''}`;
}, limits.startMs + limits.agentsMs);

afterAll(() => bench?.stop(), limits.stopMs * 2);

const open = (page: Page, path: string, title: string) =>
  openScreen(bench.product, page, path, title);
const row = (page: Page, text: string) => page.getByRole('row').filter({ hasText: text });
const view = (page: Page, name: string) =>
  page.getByRole('navigation', { name: 'Views' }).getByRole('link', { name, exact: true });

async function put(path: string, body: object): Promise<void> {
  const answer = await bench.product.call('PUT', `/api/v1${path}`, { body });
  expect(answer.status, JSON.stringify(answer.body)).toBe(200);
}

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
  await put('/groups/wide', { selector: 'name=CalmAgent' });
  await put('/groups/wide/config?reason=far', { channel: 99 });
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
