/** One product and one browser for many tests of the page, and a clean place in them for each suite of tests. */
import { Type } from '@opmas/protocol';
import { afterAll, beforeAll, expect } from 'vitest';
import { launchBrowser, type Visitor } from '../browser.ts';
import { limits } from '../limits.ts';
import { type PackageDraft, writePackage } from '../package-files.ts';
import { type Product, startProduct } from '../product.ts';
import { heading, open } from '../screens.ts';

const ADMIN = { username: 'admin', password: 'a sentence is good enough' };
const PASSWORD = 'rain on the tin roof';

/** An agent that takes a configuration unless its limit is above ten, which only it knows. */
const PICKY = `
import { BaseAgent } from '@opmas/sdk';
export default class Picky extends BaseAgent {
  override validateConfig(document = this.config.value) {
    return document.limit > 10 ? [{ path: 'limit', message: 'is more than 10' }] : [];
  }
}`;

/** Two agents, as suites may count them; PickyAgent alone has a schema, and a limit of its own. */
export const TWO_AGENTS: readonly PackageDraft[] = [
  { folder: 'calm', name: 'CalmAgent' },
  {
    folder: 'picky',
    name: 'PickyAgent',
    code: PICKY,
    schema: {
      type: 'object',
      properties: { channel: { type: 'integer', maximum: 13 } },
      additionalProperties: true,
    },
  },
];

/** What a suite's tests work with; there from its first test on. */
export interface PageBench {
  readonly product: Product;
  /** Signed in as the administrator, on the fleet's screen; of this suite alone. */
  readonly admin: Visitor;
  /** A visitor of its own, signed in as a user who may only look, made for it. The caller closes its context. */
  visitAsReader(username: string): Promise<Visitor>;
}

/** Given to the suites of one test file. */
export interface SharedPage {
  readonly product: Product;
  readonly browser: Awaited<ReturnType<typeof launchBrowser>>;
}

/**
 * For the top of a test file: a product and a browser for all its suites.
 * @param agents names of folders in `agents/`
 * @param packages written beside them; all run when the first suite begins
 */
export function sharePage(
  agents: readonly string[],
  packages: readonly PackageDraft[] = [],
): SharedPage {
  let product: Product | undefined;
  let browser: SharedPage['browser'] | undefined;
  beforeAll(async () => {
    product = await startProduct({ agents });
    for (const each of packages) writePackage(product.agentsDir, each);
    browser = await launchBrowser();
    await product.waitForAgents(agents.length + packages.length);
  }, limits.startMs + limits.agentsMs);
  afterAll(async () => {
    await browser?.close();
    await product?.stop();
  }, limits.stopMs * 2);
  return {
    get product() {
      return there(product);
    },
    get browser() {
      return there(browser);
    },
  };
}

/**
 * For the top of a suite: signs its administrator in, on a fleet that nobody tells anything. It does not rely on
 * what ran before: layers that say something are emptied (their versions go on), drafts and groups are gone.
 */
export function beginSuite(shared: SharedPage): PageBench {
  let admin: Visitor | undefined;
  beforeAll(async () => {
    await tellNobodyAnything(shared.product);
    admin = await visitAsAdmin(shared);
  }, limits.startMs);
  // A page that stays open follows everything that the next suites do.
  afterAll(() => admin?.context.close());
  return {
    get product() {
      return shared.product;
    },
    get admin() {
      return there(admin);
    },
    visitAsReader: async (username) => {
      const user = { username, password: PASSWORD };
      // There already when the test is tried once more.
      if (!(await usernames(shared.product)).includes(username)) {
        await send(shared.product, 'POST', '/users', { ...user, roles: ['read-only'] });
      }
      return visitAs(shared, user);
    },
  };
}

/** To the API, as the administrator; fails unless it is done. */
export async function send(
  product: Product,
  method: string,
  path: string,
  body?: object,
): Promise<unknown> {
  const answer = await product.call(method, `/api/v1${path}`, { body });
  expect(answer.status, `${method} ${path}: ${JSON.stringify(answer.body)}`).toBeLessThan(300);
  return answer.body;
}

const Layer = Type.Object({
  version: Type.Integer(),
  config: Type.Record(Type.String(), Type.Unknown()),
});
export type Layer = { version: number; config: Record<string, unknown> };

/** The newest version of a layer. @param path its address in the API, such as `/config` for the fleet's */
export async function newestLayer(product: Product, path: string): Promise<Layer | undefined> {
  const history = Type.Object({ items: Type.Array(Layer) });
  return (await product.read(history, `${path}/history`)).items[0];
}

async function tellNobodyAnything(product: Product): Promise<void> {
  const Drafts = Type.Object({ items: Type.Array(Type.Object({ draft_id: Type.String() })) });
  for (const { draft_id } of (await product.read(Drafts, '/drafts')).items) {
    await send(product, 'DELETE', `/drafts/${draft_id}`);
  }
  const Groups = Type.Object({ items: Type.Array(Type.Object({ name: Type.String() })) });
  for (const { name } of (await product.read(Groups, '/groups')).items) {
    await send(product, 'DELETE', `/groups/${name}`);
  }
  const agents = (await product.agents()).map(({ agent_id }) => `/agents/${agent_id}/config`);
  for (const path of ['/config', '/environments/staging/config', ...agents]) {
    const { config = {} } = (await newestLayer(product, path)) ?? {};
    if (Object.keys(config).length > 0) await send(product, 'PUT', `${path}?reason=begin`, {});
  }
}

async function usernames(product: Product): Promise<string[]> {
  const Users = Type.Object({ items: Type.Array(Type.Object({ username: Type.String() })) });
  return (await product.read(Users, '/users')).items.map(({ username }) => username);
}

/** The first to come sets the product up, as its link says. */
async function visitAsAdmin(shared: SharedPage): Promise<Visitor> {
  const { product, browser } = shared;
  if ((await usernames(product)).length > 0) return visitAs(shared, ADMIN);
  const visitor = await browser.visit();
  const { page } = visitor;
  await page.goto(product.setupUrl ?? '');
  await page.getByLabel('Password', { exact: true }).fill(ADMIN.password);
  await page.getByRole('button', { name: 'Create the user and sign in' }).click();
  await heading(page, 'Fleet');
  return visitor;
}

async function visitAs(
  { product, browser }: SharedPage,
  { username, password }: { username: string; password: string },
): Promise<Visitor> {
  const visitor = await browser.visit();
  const { page } = visitor;
  await open(product, page, '/login', 'Sign in');
  await page.getByLabel('User name').fill(username);
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await heading(page, 'Fleet');
  return visitor;
}

function there<T>(thing: T | undefined): T {
  if (thing === undefined) throw new Error('it is there from the first test on');
  return thing;
}
