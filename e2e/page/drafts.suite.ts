/** Drafts of configurations on the page. */
import { Type } from '@opmas/protocol';
import type { Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import { axeFaults } from '../browser.ts';
import { expectAccessible, heading, open as openScreen, view } from '../screens.ts';
import { beginSuite, newestLayer, type SharedPage, send } from './bench.ts';

const HOSTILE = '<img src=x onerror="window.hurt=1">';

/** It counts the versions of PickyAgent's layer from the first: no other suite beside it may write that one. */
export function draftsSuite(shared: SharedPage): void {
  const bench = beginSuite(shared);
  let agentId = '';

  beforeAll(async () => {
    agentId = (await bench.product.agent('PickyAgent')).agent_id;
    await put(`/agents/${agentId}/config?reason=first`, {
      limit: 5,
      key: { $secret: 'rosebud' },
      processing: { batch_size: 50 },
    });
  });

  const open = (page: Page, path: string, title: string) =>
    openScreen(bench.product, page, path, title);
  const put = (path: string, body: object) => send(bench.product, 'PUT', path, body);
  const own = () => newestLayer(bench.product, `/agents/${agentId}/config`);

  async function write(page: Page, document: object): Promise<void> {
    await page.getByLabel('Configuration as JSON').fill(JSON.stringify(document));
    await page.getByText(/^Valid\./).waitFor();
  }

  const table = (page: Page, name: string) => page.getByRole('table', { name, exact: true });
  const back = (page: Page) => page.getByRole('link', { name: 'All drafts' }).click();

  test('a draft is kept from the editor, and shows what publishing it would do', async () => {
    const { page } = bench.admin;
    await open(page, `/configs/agents/${agentId}?view=edit`, 'Configuration of PickyAgent');
    await write(page, { limit: 9, key: { $secret: '********' }, processing: { batch_size: 60 } });
    await page.getByRole('button', { name: 'Keep as draft' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Reason').fill('nine, some day');
    await dialog.getByRole('button', { name: 'Keep as draft' }).click();
    await page.getByText('It is kept as a draft.').waitFor();
    expect(await own()).toMatchObject({ version: 1, config: { limit: 5 } });
    await page.getByRole('link', { name: 'Open the draft for PickyAgent: nine, some day' }).click();
    await heading(page, 'Draft: PickyAgent');
    await page.getByText('Valid', { exact: true }).waitFor();
    const changes = table(page, 'What it changes');
    await changes.getByRole('row').filter({ hasText: 'limit' }).getByText('9').waitFor();
    await page.getByText('1 agent changes').waitFor();
    expect(await axeFaults(page)).toEqual([]);
  });

  test('a draft tells that its layer went on, even at the last moment, and is put on the new version', async () => {
    const { page } = bench.admin;
    await page.getByRole('button', { name: 'Publish' }).click();
    const dialog = page.getByRole('dialog');
    expect(await dialog.getByLabel('Reason').inputValue()).toBe('nine, some day');
    const theirs = { limit: 8, key: { $secret: '********' }, processing: { batch_size: 50 } };
    await put(`/agents/${agentId}/config?reason=theirs`, theirs);
    await dialog.getByRole('button', { name: 'Publish' }).click();
    await page.getByText('Nothing was published').waitFor();
    await page.getByRole('heading', { name: 'Version 2 is in force by now' }).waitFor();
    expect(await page.getByRole('button', { name: 'Publish' }).isDisabled()).toBe(true);
    const both = table(page, 'Both changed these').getByRole('row');
    await both.filter({ hasText: 'limit' }).getByText('8', { exact: true }).waitFor();
    expect(await both.count()).toBe(2);
    expect(await axeFaults(page)).toEqual([]);
    await page.getByRole('button', { name: 'Rebase: the draft holds' }).click();
    await page.getByText('The draft changes version 2 now. Of limit holds what').waitFor();
    await page.getByRole('button', { name: 'Publish', disabled: false }).waitFor();
  });

  test('a draft may be changed to what is not valid, and is published once it is', async () => {
    const { page } = bench.admin;
    const json = page.getByLabel('The layer as JSON');
    await view(page, 'Change').click();
    await json.fill('{\n  "limit": 9,\n  "processing": {\n    "batch_size": 0\n  }\n}');
    await page.getByRole('button', { name: 'Save the draft' }).click();
    await page.getByText('The draft is saved.').waitFor();
    await page.getByText('Not valid yet').waitFor();
    await page.getByText('processing.batch_size').first().waitFor();
    expect(await page.getByRole('button', { name: 'Publish' }).isDisabled()).toBe(true);
    await view(page, 'Change').click();
    await page.getByRole('button', { name: 'Go to line 4' }).waitFor();
    await json.fill('{"limit": 9');
    await page.getByText('Line 1, character 12').waitFor();
    expect(await page.getByRole('button', { name: 'Save the draft' }).isDisabled()).toBe(true);
    await json.fill('{"limit": 9}');
    await page.getByRole('button', { name: 'Save the draft' }).click();
    await page.getByRole('button', { name: 'Publish', disabled: false }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Publish' }).click();
    await page.getByText('The draft is published as version 3.').waitFor();
    await page.getByText('No drafts').waitFor();
    expect(await own()).toMatchObject({ version: 3, config: { limit: 9 } });
  });

  test('a draft of any layer is listed for all, and discarded', async () => {
    const { page } = bench.admin;
    for (const body of [
      { scope: 'fleet', document: { limit: 3 }, reason: HOSTILE },
      { scope: 'environment', name: 'staging', document: { limit: 4 } },
    ]) {
      await send(bench.product, 'POST', '/drafts', body);
    }
    await open(page, '/configs/drafts', 'Configuration');
    const rows = table(page, 'Drafts, changed last first').getByRole('row');
    await rows.filter({ hasText: 'Environment staging' }).getByText('no reason yet').waitFor();
    await page.getByRole('link', { name: /^Open the draft for Fleet/ }).click();
    await heading(page, 'Draft: Fleet');
    await page.getByText(HOSTILE).waitFor();
    await page.getByRole('button', { name: 'Discard the draft' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Discard' }).click();
    await page.getByText('The draft is discarded.').waitFor();
    await rows.filter({ hasText: 'Fleet' }).waitFor({ state: 'detached' });
    expect(await rows.count()).toBe(2);
    await open(page, '/configs/drafts/019ad5c1-0000-7000-8000-00000000002a', 'Drafts');
    await page.getByText('There is no such draft').waitFor();
    await back(page);
  });

  test('who may only look sees drafts, and is offered nothing', async () => {
    const { context, page, complaints } = await bench.visitAsReader('noc-of-drafts');
    await open(page, '/configs/drafts', 'Configuration');
    await page.getByRole('link', { name: /^Open the draft for Environment staging/ }).click();
    await heading(page, 'Draft: Environment staging');
    await page.getByText('Valid', { exact: true }).waitFor();
    expect(await page.getByRole('button', { name: /Publish|Discard/ }).count()).toBe(0);
    expect(await view(page, 'Change').count()).toBe(0);
    expect(complaints).toEqual([]);
    await context.close();
  });

  test('every screen is accessible, in light and dark, wide and narrow', async () => {
    const { page } = bench.admin;
    await put('/environments/staging/config', { limit: 7 });
    const { items } = await bench.product.read(
      Type.Object({ items: Type.Array(Type.Object({ draft_id: Type.String() })) }),
      '/drafts',
    );
    const draft = `/configs/drafts/${items[0]?.draft_id}`;
    await expectAccessible(
      bench.product,
      page,
      [
        ['/configs/drafts', 'Configuration'],
        ['/configs/environments/staging?view=drafts', 'Configuration of staging'],
        [draft, 'Draft: Environment staging'],
        [`${draft}?view=edit`, 'Draft: Environment staging'],
      ],
      [1024, 390],
    );
    await page.getByRole('heading', { name: 'Version 1 is in force by now' }).waitFor();
  }, 120_000);

  test('nothing failed or was refused on the way', () => {
    // The refusals that were provoked: somebody else was faster, and no such draft.
    const unexpected = bench.admin.complaints.filter((each) => !/status of (?:404|412)/.test(each));
    expect(unexpected).toEqual([]);
  });
}
