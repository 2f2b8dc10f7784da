/** A stored draft in waves: from its screen and from a shell, given back when it fails, over a kill -9 of the server. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Job } from '@opmas/protocol';
import { waitFor } from '@opmas/testkit';
import type { Page } from 'playwright-core';
import { beforeAll, expect, test } from 'vitest';
import { axeFaults } from '../browser.ts';
import { limits } from '../limits.ts';
import { CLI } from '../product.ts';
import { becomes, expectAccessible, heading, open as openScreen, view } from '../screens.ts';
import { beginSuite, newestLayer, type SharedPage, send } from './bench.ts';

const TEST_MS = 120_000;
const exec = promisify(execFile);

export function draftRolloutsSuite(shared: SharedPage): void {
  const bench = beginSuite(shared);
  /** The fleet's version when this begins. */
  let before = 0;
  let draftPath = '';

  beforeAll(async () => {
    before = (await newestLayer(bench.product, '/config'))?.version ?? 0;
  });

  const v = (n: number) => `v${before + n}`;
  const open = (page: Page, path: string, title: string | RegExp) =>
    openScreen(bench.product, page, path, title);

  /** @returns the id of a draft of the fleet's layer */
  async function keep(document: object, reason: string): Promise<string> {
    const made = await send(bench.product, 'POST', '/drafts', { scope: 'fleet', document, reason });
    return (made as { draft_id: string }).draft_id;
  }

  const fleet = () => newestLayer(bench.product, '/config');
  const draftStatus = async (id: string) =>
    (await bench.product.call('GET', `/api/v1/drafts/${id}`)).status;

  async function opmas(...args: string[]): Promise<string> {
    const env = { ...process.env, OPMAS_DATA_DIR: bench.product.dataDir, OPMAS_URL: '' };
    const { stdout } = await exec(process.execPath, [CLI, ...args], {
      env,
      cwd: bench.product.home,
      timeout: limits.agentsMs,
    });
    return stdout;
  }

  test('a draft that agents refuse goes out from its screen, and comes back with the reason', {
    timeout: TEST_MS,
  }, async () => {
    const { page } = bench.admin;
    const id = await keep({ limit: 99 }, 'ninety-nine');
    draftPath = `/configs/drafts/${id}`;
    await open(page, draftPath, 'Draft: Fleet');
    await page.getByRole('button', { name: 'Roll out in waves', disabled: false }).click();
    await heading(page, 'New rollout');
    await page.getByText('2 agents change').waitFor();
    expect(await page.getByLabel('Why').inputValue()).toBe('ninety-nine');
    expect(await axeFaults(page)).toEqual([]);
    await page.getByLabel('Waves', { exact: true }).fill('100%');
    await page.getByLabel('Watch each wave').fill('1');
    await page.getByRole('button', { name: 'Start the rollout' }).click();
    await heading(page, `Roll out the fleet ${v(0)} → ${v(1)}`);
    await becomes(page, 'Went back');
    await page.getByRole('link', { name: 'a draft', exact: true }).click();
    await heading(page, 'Draft: Fleet');
    const back = page.getByRole('region', { name: 'It was rolled out, and went back' });
    await back.getByText('PickyAgent').waitFor();
    await back.getByRole('link', { name: 'Look at the job' }).waitFor();
    expect(await page.getByText('is in force by now').count()).toBe(0);
    expect(await axeFaults(page)).toEqual([]);
    expect(await fleet()).toMatchObject({ version: before + 2, config: {} });
  });

  test('mended, it is the job’s until that has ended, and gone then', {
    timeout: TEST_MS,
  }, async () => {
    const { page } = bench.admin;
    await view(page, 'Change').click();
    await page.getByLabel('The layer as JSON').fill('{ "limit": 9 }');
    await page.getByRole('button', { name: 'Save the draft' }).click();
    await page.getByText('The draft is saved.').waitFor();
    await page
      .getByRole('region', { name: 'It was rolled out, and went back' })
      .waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Roll out in waves', disabled: false }).click();
    await page.getByLabel('Waves', { exact: true }).fill('1, 100%');
    await page.getByLabel('Watch each wave').fill('1');
    await page.getByLabel('Pause after each wave').check();
    await page.getByRole('button', { name: 'Start the rollout' }).click();
    await heading(page, `Roll out the fleet ${v(2)} → ${v(3)}`);
    const job = new URL(page.url()).pathname;
    await becomes(page, 'Paused');
    await page.getByRole('link', { name: 'a draft', exact: true }).click();
    const taken = page.getByRole('region', { name: 'It is being rolled out' });
    await taken.getByText('Paused').waitFor();
    for (const name of ['Publish', 'Roll out in waves', 'Discard the draft']) {
      expect(await page.getByRole('button', { name }).count()).toBe(0);
    }
    expect(await axeFaults(page)).toEqual([]);
    await taken.getByRole('link', { name: 'Look at the job' }).click();
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Resume' }).click();
    await becomes(page, 'Succeeded');
    expect(new URL(page.url()).pathname).toBe(job);
    await page.getByText('a draft, which is in force now').waitFor();
    expect(await draftStatus(draftPath.split('/').at(-1) ?? '')).toBe(404);
    expect(await fleet()).toMatchObject({ version: before + 3, config: { limit: 9 } });
  });

  test('from a shell, and over a kill -9 of the server in the middle', {
    timeout: TEST_MS,
  }, async () => {
    const { product } = bench;
    const good = await keep({ limit: 8 }, 'eight');
    await opmas('config', 'draft', 'publish', good, '--rollout', '--settle', '1', '--watch');
    expect(await draftStatus(good)).toBe(404);
    expect(await fleet()).toMatchObject({ version: before + 4, config: { limit: 8 } });

    const bad = await keep({ limit: 77 }, 'seventy-seven');
    const plan = ['--waves', '100%', '--settle', '1', '--json'];
    const started = await opmas('config', 'draft', 'publish', bad, '--rollout', ...plan);
    const { job_id: id } = JSON.parse(started) as Job;
    process.kill(product.pidOf('server'), 'SIGKILL');
    const shown = await waitFor(
      async () => {
        try {
          const { status, body } = await product.call('GET', `/api/v1/drafts/${bad}`);
          const draft = body as { job_id: string | null; returned: object | null };
          return status === 200 && draft.job_id === null ? draft : undefined;
        } catch (error) {
          // The server is away for a moment.
          if (error instanceof TypeError) return undefined;
          throw error;
        }
      },
      { timeoutMs: limits.agentsMs },
    );
    expect(shown).toMatchObject({
      moved: false,
      base_version: before + 6,
      returned: { job_id: id, reason: expect.stringContaining('PickyAgent') },
    });
    expect(await fleet()).toMatchObject({ version: before + 6, config: { limit: 8 } });
    draftPath = `/configs/drafts/${bad}`;
  });

  test('every screen is accessible, in light and dark, and as wide as the page', {
    timeout: TEST_MS,
  }, async () => {
    await expectAccessible(bench.product, bench.admin.page, [
      [draftPath, 'Draft: Fleet'],
      ['/configs/drafts', 'Configuration'],
      [`/jobs/new?draft=${draftPath.split('/').at(-1)}`, 'New rollout'],
    ]);
  });
}
