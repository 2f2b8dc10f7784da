/** The web page: static files, and index.html for every path the page itself routes. */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { pagePolicy } from './headers.ts';

/** Sends index.html; the page shows what its own router makes of the path. */
export type Page = (reply: FastifyReply, status: number) => FastifyReply;

/** What the page routes itself. */
const PATHS = [
  '/',
  '/login',
  '/setup',
  '/findings',
  '/packages',
  '/rules',
  '/rules/try',
  '/jobs',
  '/jobs/new',
  '/jobs/:job',
  '/configs',
  '/configs/drafts',
  '/configs/drafts/:draft',
  '/configs/fleet',
  '/configs/environments/:environment',
  '/configs/agents/:agent',
  '/groups',
  '/groups/:name',
  '/sources',
  '/account',
  '/users',
  '/roles',
  '/tokens',
  '/audit',
];

const NONCE_MARK = '__CSP_NONCE__';

/** Serves the built page of `directory`; without one, says how to build it. */
export async function registerPage(app: FastifyInstance, directory: string): Promise<Page> {
  let index: string | undefined;
  try {
    index = await readFile(join(directory, 'index.html'), 'utf8');
  } catch (error) {
    app.log.warn({ directory, err: String(error) }, 'the web page is not built: npm run setup');
  }
  if (index !== undefined) {
    await app.register(fastifyStatic, {
      root: directory,
      index: false,
      wildcard: false,
      // As a file it would come without its policy, and be kept for ever.
      globIgnore: ['index.html'],
      preCompressed: true,
      immutable: true,
      maxAge: '365d',
    });
  }
  const send: Page = (reply, status) => {
    if (index === undefined) {
      return reply.code(503).type('text/plain').send('The web page is not built: npm run setup\n');
    }
    const nonce = randomBytes(16).toString('base64');
    return reply
      .code(status)
      .header('content-security-policy', pagePolicy(nonce, reply.request.protocol === 'https'))
      .header('cache-control', 'no-store')
      .type('text/html; charset=utf-8')
      .send(index.replaceAll(NONCE_MARK, nonce));
  };
  for (const path of PATHS) app.get(path, async (_request, reply) => send(reply, 200));
  return send;
}
