/** Sessions, accounts and administration on the page, in a real browser against the whole product. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Type } from '@opmas/protocol';
import { waitFor } from '@opmas/testkit';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checked } from './api.ts';
import { axeFaults, launchBrowser, readableStores, type Visitor } from './browser.ts';
import { limits } from './limits.ts';
import { type Product, startProduct } from './product.ts';
import { expectAccessible, heading, open as openScreen } from './screens.ts';
import { nextTotpCode, totpCode } from './totp.ts';

const COOKIE = '__Host-opmas-refresh';
const ADMIN = { username: 'admin', password: 'a sentence is good enough' };
const VIEWER = { username: 'noc', password: 'rain on the tin roof' };
const HOSTILE = '<img src=x onerror="window.hurt=1">';

let product: Product;
let browser: Awaited<ReturnType<typeof launchBrowser>>;
let admin: Visitor;

beforeAll(async () => {
  product = await startProduct({
    agents: ['wifi_agent'],
    env: { OPMAS_DISCOVERY_APPROVAL: 'manual' },
  });
  browser = await launchBrowser();
  admin = await browser.visit();
}, limits.startMs + limits.agentsMs);

afterAll(async () => {
  await browser?.close();
  await product?.stop();
}, limits.stopMs * 2);

const open = (page: Page, path: string, title: string) => openScreen(product, page, path, title);

async function signIn(page: Page, who: { username: string; password: string }): Promise<void> {
  await page.getByLabel('User name').fill(who.username);
  await page.getByLabel('Password', { exact: true }).fill(who.password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
}

async function refreshCookie({ context }: Visitor) {
  return (await context.cookies()).find(({ name }) => name === COOKIE);
}

describe('X7 V3 the session of the page', () => {
  test('set-up by the one-time link leaves no token where a script can read it', async () => {
    const { page } = admin;
    await page.goto(product.setupUrl ?? '');
    await page.getByLabel('Password', { exact: true }).fill(ADMIN.password);
    const answered = page.waitForResponse(
      (response) =>
        response.url().endsWith('/api/v1/setup') && response.request().method() === 'POST',
    );
    await page.getByRole('button', { name: 'Create the user and sign in' }).click();
    const body: unknown = await (await answered).json();
    const { access_token } = checked(Type.Object({ access_token: Type.String() }), body, 'set-up');
    expect(body).not.toHaveProperty('refresh_token');
    await heading(page, 'Fleet');

    const cookie = await refreshCookie(admin);
    expect(cookie).toMatchObject({ httpOnly: true, secure: true, sameSite: 'Strict', path: '/' });
    // A __Host- cookie names no domain: it goes back to this very host only.
    expect(cookie?.domain).toBe(new URL(product.url).hostname);
    const readable = await readableStores(page);
    for (const secret of [access_token, cookie?.value ?? COOKIE, ADMIN.password]) {
      expect(readable).not.toContain(secret);
    }
    expect((await admin.context.cookies()).map(({ name }) => name)).toEqual([COOKIE]);
  }, 60_000);

  test('a reload keeps the session and changes the cookie', async () => {
    const before = await refreshCookie(admin);
    await admin.page.reload();
    await heading(admin.page, 'Fleet');
    const after = await refreshCookie(admin);
    expect(after?.value).toBeTruthy();
    expect(after?.value).not.toBe(before?.value);
  });

  test('X12 tabs that renew at the same moment all stay signed in', async () => {
    const { context, page } = admin;
    const others = [await context.newPage(), await context.newPage()];
    for (const other of others) await open(other, '/findings', 'Findings');
    for (let round = 0; round < 3; round += 1) {
      await Promise.all([page, ...others].map((tab) => tab.reload()));
      await heading(page, 'Fleet');
      for (const other of others) await heading(other, 'Findings');
    }
    for (const other of others) await other.close();
    await page.reload();
    await heading(page, 'Fleet');
    expect(admin.complaints).toEqual([]);
  });

  test('signing out in one tab signs out all, and signing in brings each back to its place', async () => {
    const { context, page } = admin;
    const other = await context.newPage();
    await open(other, '/findings', 'Findings');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await heading(other, 'Sign in');
    await heading(page, 'Sign in');
    expect(new URL(other.url()).searchParams.get('next')).toBe('/findings');
    await waitFor(async () => (await refreshCookie(admin)) === undefined, {
      timeoutMs: limits.waitMs,
      what: 'the cookie gone',
    });

    await signIn(page, ADMIN);
    await heading(page, 'Fleet');
    await heading(other, 'Findings');
    await other.close();
  });
});

test('V6 a wrong password is refused in words, and fields are known to password managers', async () => {
  const { context, page, complaints } = await browser.visit();
  await open(page, '/login', 'Sign in');
  expect(complaints).toEqual([]);
  const password = page.getByLabel('Password', { exact: true });
  expect(await page.getByLabel('User name').getAttribute('autocomplete')).toBe('username');
  expect(await password.getAttribute('autocomplete')).toBe('current-password');
  await signIn(page, { ...ADMIN, password: 'not the one that was chosen' });
  await page.getByRole('alert').getByText('Wrong user name or password').waitFor();
  expect(await password.getAttribute('type')).toBe('password');
  await page.getByRole('button', { name: 'Show or hide the password' }).click();
  expect(await password.getAttribute('type')).toBe('text');
  await context.close();
});

test('X16 a throttled sign-in counts down until the server listens again', async () => {
  const { context, page } = await browser.visit();
  await open(page, '/login', 'Sign in');
  expect(await page.getByText(/^Sign in with/).count()).toBe(0);
  await page.route('**/api/v1/auth/login', (route) =>
    route.fulfill({
      status: 429,
      headers: { 'retry-after': '2', 'content-type': 'application/problem+json' },
      body: JSON.stringify({ code: 'OPMAS_RATE_LIMITED', detail: 'Too many tries' }),
    }),
  );
  await signIn(page, ADMIN);
  await page.getByRole('alert').getByText('Too many tries').waitFor();
  const waiting = page.getByRole('button', { name: /^Try again in \d s$/ });
  expect(await waiting.isDisabled()).toBe(true);
  const again = page.getByRole('button', { name: 'Sign in', exact: true });
  await again.waitFor();
  expect(await again.isEnabled()).toBe(true);
  await context.close();
});

test('V10 other sites to sign in with are offered where there are any, and their refusals told in own words', async () => {
  const { context, page } = await browser.visit();
  await page.route('**/api/v1/auth/login/providers', (route) =>
    route.fulfill({ json: { items: [{ id: 'oidc', name: `Staff${HOSTILE}` }] } }),
  );
  await open(page, '/login?next=/findings&refused=OPMAS_NO_ROLE', 'Sign in');
  await page.getByRole('alert').getByText('nothing there gives you a role').waitFor();
  const link = page.getByRole('link', { name: `Sign in with Staff${HOSTILE}` });
  expect(await link.getAttribute('href')).toBe(
    '/api/v1/auth/login/oidc/oidc?return_to=%2Ffindings',
  );
  await open(page, `/login?refused=${encodeURIComponent('Call 555 to unlock')}`, 'Sign in');
  await page.getByRole('alert').waitFor();
  expect(await page.getByRole('alert').innerText()).not.toContain('555');
  await open(page, '/login?next=//evil.example/&refused=x', 'Sign in');
  expect(await link.getAttribute('href')).toBe('/api/v1/auth/login/oidc/oidc?return_to=%2F');
  await context.close();
});

describe('X22 a package that waits', () => {
  const waiting = async () => {
    const [found] = await product.packages();
    const digest = found?.digest;
    if (!digest) throw new Error(`no package to approve: ${JSON.stringify(found)}`);
    return { ...found, digest };
  };
  const ask = async (page: Page) => {
    await page.getByRole('button', { name: 'Approve' }).click();
    return page.getByRole('dialog', { name: 'Let WifiAgent run?' });
  };

  test('is not approved when its files changed after they were shown', async () => {
    const { page } = admin;
    const shown = await waiting();
    await open(page, '/packages?package=WifiAgent', 'Packages');
    const dialog = await ask(page);
    await dialog.getByText(shown.digest).waitFor();
    writeFileSync(join(shown.path, 'more.ts'), 'export const more = 1;\n');
    const changed = await waitFor(
      async () => {
        const now = await waiting();
        return now.digest === shown.digest ? undefined : now;
      },
      { timeoutMs: limits.waitMs, what: 'another digest' },
    );
    const sent = page.waitForRequest((request) => request.url().includes('/approve'));
    await dialog.getByRole('button', { name: 'Approve' }).click();
    // What is sent is what was shown, not what the page has heard of since.
    expect(new URL((await sent).url()).searchParams.get('digest')).toBe(shown.digest);
    const alert = dialog.getByRole('alert');
    await alert.getByText(`now ${changed.digest}`).waitFor();
    expect(await waiting()).toMatchObject({ state: 'waiting', approved_digest: null });
    expect(await product.agents()).toEqual([]);
    await dialog.getByRole('button', { name: 'Cancel' }).click();
  });

  test('is approved on the page, which shows what will run', async () => {
    const { page } = admin;
    await open(page, '/packages', 'Packages');
    await page.getByRole('link', { name: 'WifiAgent' }).click();
    const dialog = await ask(page);
    const { digest } = await waiting();
    await dialog.getByText(digest).waitFor();
    await dialog.getByText('It is not signed').waitFor();
    await dialog.getByRole('button', { name: 'Approve' }).click();
    await page.getByText('WifiAgent is approved').waitFor();
    const row = page.getByRole('row').filter({ hasText: 'WifiAgent' });
    await row.getByText('admin').waitFor();
    await product.waitForAgents(1);
    expect((await waiting()).approved_digest).toBe(digest);
  });
});

describe('V6 the second factor', () => {
  let secret = '';
  let recovery = '';

  test('is turned on with password, app and code, and gives recovery codes once', async () => {
    const { page } = admin;
    await open(page, '/account', 'Your account');
    await page.getByRole('button', { name: 'Turn on' }).click();
    await page.getByLabel('Your password').fill(ADMIN.password);
    await page.getByRole('button', { name: 'Go on' }).click();
    const dialog = page.getByRole('dialog', { name: 'Second factor' });
    await dialog.getByRole('img', { name: 'QR code' }).waitFor();
    expect(await axeFaults(page)).toEqual([]);
    secret = await dialog.locator('code').innerText();
    await dialog.getByLabel('Code the app shows now').fill(totpCode(secret, Date.now()));
    await dialog.getByRole('button', { name: 'Turn on' }).click();
    const codes = page.getByRole('list', { name: 'Recovery codes' }).getByRole('listitem');
    await codes.first().waitFor();
    expect(await codes.count()).toBe(10);
    recovery = await codes.first().innerText();
    const saved = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Download' }).click();
    expect((await saved).suggestedFilename()).toBe('opmas-recovery-codes.txt');
    await page.getByRole('button', { name: 'I have kept them' }).click();
    await page.getByText('Signing in asks for a code').waitFor();
  });

  test('is asked for at sign-in: the code of the app, or a recovery code', async () => {
    const { context, page } = await browser.visit();
    await open(page, '/login', 'Sign in');
    await signIn(page, ADMIN);
    const code = page.getByLabel('Code of your authenticator app');
    await code.waitFor();
    expect(await code.getAttribute('autocomplete')).toBe('one-time-code');
    await code.fill(nextTotpCode(secret, Date.now()));
    await page.getByRole('button', { name: 'Go on' }).click();
    await heading(page, 'Fleet');

    await page.getByRole('button', { name: 'Sign out' }).click();
    await heading(page, 'Sign in');
    await signIn(page, ADMIN);
    await page.getByRole('button', { name: 'Use a recovery code instead' }).click();
    await page.getByLabel('Recovery code').fill(recovery);
    await page.getByRole('button', { name: 'Go on' }).click();
    await heading(page, 'Fleet');
    await context.close();
  });

  test('V7 sessions elsewhere are listed and ended from the account page', async () => {
    const { page } = admin;
    await open(page, '/account', 'Your account');
    await page.getByText('this one').waitFor();
    await page.getByRole('button', { name: 'End all others' }).click();
    await page.getByText('All other sessions are ended').waitFor();
    const sessions = page.getByRole('list', { name: 'Your sessions' }).getByRole('listitem');
    await waitFor(async () => (await sessions.count()) === 1, {
      timeoutMs: limits.waitMs,
      what: 'one session left',
    });
  });
});

describe('V8 X17 a read-only user', () => {
  test('is added by an administrator', async () => {
    const { page } = admin;
    await open(page, '/users', 'Users');
    await page.getByRole('button', { name: 'Add user' }).click();
    await page.getByLabel('User name').fill(VIEWER.username);
    // The server's reason stands at the field.
    await page.getByLabel('Password', { exact: true }).fill('passwordpassword');
    await page.getByRole('button', { name: 'Add', exact: true }).click();
    await page.getByText('repeats a short text').waitFor();
    await page.getByLabel('Password', { exact: true }).fill(VIEWER.password);
    await page.getByRole('button', { name: 'Add', exact: true }).click();
    await page.getByText('noc can sign in now').waitFor();
  });

  test('sees the fleet and no administration, and is refused where there is none', async () => {
    const { context, page } = await browser.visit();
    await open(page, '/login', 'Sign in');
    await signIn(page, VIEWER);
    await heading(page, 'Fleet');
    const menu = page.getByRole('navigation', { name: 'Main' }).getByRole('link');
    expect(await menu.allInnerTexts()).toEqual([
      'Fleet',
      'Findings',
      'Sources',
      'Rules',
      'Configuration',
      'Groups',
      'Jobs',
      'Packages',
      'noc',
    ]);
    await page.getByRole('row').filter({ hasText: 'WifiAgent' }).waitFor();

    await open(page, '/users', 'Users');
    await page.getByRole('alert').waitFor();
    expect(await page.getByRole('button', { name: 'Add user' }).count()).toBe(0);
    expect(await page.getByRole('row').count()).toBe(0);

    await open(page, '/packages?package=WifiAgent', 'Packages');
    await page.getByRole('dialog').getByText('WifiAgent').first().waitFor();
    expect(await page.getByRole('dialog').getByRole('button', { name: 'Approve' }).count()).toBe(0);
    await context.close();
  });

  test('is signed out within seconds when disabled', async () => {
    const viewer = await browser.visit();
    await open(viewer.page, '/login', 'Sign in');
    await signIn(viewer.page, VIEWER);
    await heading(viewer.page, 'Fleet');
    const { page } = admin;
    await open(page, '/users', 'Users');
    await page.getByRole('link', { name: 'noc' }).click();
    await page.getByRole('button', { name: 'Disable' }).click();
    await page
      .getByRole('dialog', { name: 'Disable noc?' })
      .getByRole('button', { name: 'Disable' })
      .click();
    await page.getByText('The user is disabled').waitFor();
    await heading(viewer.page, 'Sign in');
    await viewer.context.close();
  });
});

test('X6 names that people choose stay text, with hidden characters shown', async () => {
  const { page } = admin;
  const made = await product.call('POST', '/api/v1/tokens', {
    body: { kind: 'enrollment', name: `${HOSTILE}\u202egpj.exe` },
  });
  expect(made.status).toBe(201);
  await open(page, '/tokens', 'Tokens');
  await page.getByText(`${HOSTILE}\\u{202e}gpj.exe`).waitFor();
  await page.getByRole('button', { name: /^Revoke <img/ }).click();
  await page.getByRole('dialog').getByText(HOSTILE).waitFor();
  await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
  await page.getByText('The token is revoked').waitFor();
  expect(await page.locator('img').count()).toBe(0);
  expect(await page.evaluate('globalThis.hurt')).toBeUndefined();
});

test('a role for some agents is made on the page', async () => {
  const { page } = admin;
  await open(page, '/roles', 'Roles');
  await page.getByRole('button', { name: 'New role' }).click();
  await page.getByLabel('Name', { exact: true }).fill('wifi-team');
  await page.getByLabel('Everything about agents').check();
  await page.getByLabel('Types', { exact: true }).fill('wifi');
  await page.getByLabel('Types', { exact: true }).press('Enter');
  await page.getByRole('button', { name: 'Save the role' }).click();
  await page.getByText('The role is saved').waitFor();
  const answer = await product.call('GET', '/api/v1/roles/wifi-team');
  expect(answer.body).toMatchObject({
    grants: [{ permission: 'agents:*', agents: { types: ['wifi'] } }],
  });
});

test('V16 X23 the audit log shows who did what and what changed, and verifies', async () => {
  const { page } = admin;
  await open(page, '/audit?action=users.create', 'Audit log');
  const row = page.getByRole('row').filter({ hasText: 'users.create' }).filter({ hasText: 'Done' });
  await row.getByText('admin').first().waitFor();
  await row.getByRole('button').first().click();
  const entry = page.getByRole('dialog', { name: 'Entry' });
  await entry.getByText('"read-only"').waitFor();
  expect(await entry.innerText()).not.toContain(VIEWER.password);
  await entry.getByRole('button', { name: 'Close' }).click();
  await page.getByRole('button', { name: 'Verify' }).click();
  await page.getByText(/entries verified at/).waitFor();
  const saved = page.waitForEvent('download');
  await page.getByRole('button', { name: 'Export' }).click();
  expect((await saved).suggestedFilename()).toMatch(/^opmas-audit-.*\.ndjson$/);
});

test('every screen is accessible, in light and dark', async () => {
  const { page } = admin;
  const screens: readonly [path: string, title: string][] = [
    ['/', 'Fleet'],
    ['/findings', 'Findings'],
    ['/packages?package=WifiAgent', 'Packages'],
    ['/account', 'Your account'],
    ['/users', 'Users'],
    ['/roles?role=wifi-team', 'Roles'],
    ['/tokens?ended=yes', 'Tokens'],
    ['/audit', 'Audit log'],
  ];
  await expectAccessible(product, page, screens, []);
}, 120_000);

test('nothing failed or was refused on the way', () => {
  // The refusals that were provoked: a password too easy to guess, and files that changed.
  const unexpected = admin.complaints.filter(
    (complaint) => !/status of (?:400|409)/.test(complaint),
  );
  expect(unexpected).toEqual([]);
});
