/** The web page: static files, and index.html for every path the page itself routes. */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance, FastifyReply } from 'fastify';

/** Sends index.html; the page shows what its own router makes of the path. */
export type Page = (reply: FastifyReply, status: number) => FastifyReply;

/** What the page routes itself. */
const PATHS = ['/', '/login', '/setup', '/findings'];

const NONCE_MARK = '__CSP_NONCE__';

/** Strict: no inline script, no eval; styles only with the nonce of this answer. */
function contentSecurityPolicy(nonce: string): string {
  return [
    "default-src 'self'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "style-src-attr 'unsafe-inline'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join('; ');
}

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
      .header('content-security-policy', contentSecurityPolicy(nonce))
      .header('cache-control', 'no-store')
      .type('text/html; charset=utf-8')
      .send(index.replaceAll(NONCE_MARK, nonce));
  };
  for (const path of PATHS) app.get(path, async (_request, reply) => send(reply, 200));
  return send;
}
