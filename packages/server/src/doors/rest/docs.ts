/** `/api/docs`: the OpenAPI document as a page, from files on this machine. */
import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyInstance } from 'fastify';
import { docsPolicy } from './headers.ts';
import { API_BASE } from './routes.ts';

const START = `SwaggerUIBundle({ url: '${API_BASE}/openapi.json', dom_id: '#docs', deepLinking: true });`;

export async function registerDocs(app: FastifyInstance): Promise<void> {
  const require = createRequire(import.meta.url);
  const root = dirname(require.resolve('swagger-ui-dist/package.json'));
  await app.register(fastifyStatic, {
    root,
    prefix: '/api/docs/assets/',
    decorateReply: false,
    index: false,
    wildcard: false,
    globIgnore: ['**/*.map', '**/*.md', '**/package.json'],
  });
  app.get('/api/docs', async (request, reply) => {
    const nonce = randomBytes(16).toString('base64');
    return reply
      .header('content-security-policy', docsPolicy(nonce, request.protocol === 'https'))
      .type('text/html; charset=utf-8')
      .send(`<!doctype html><html lang="en"><head><meta charset="utf-8"><title>OPMAS API</title>
<link rel="stylesheet" href="/api/docs/assets/swagger-ui.css"></head>
<body><div id="docs"></div><script src="/api/docs/assets/swagger-ui-bundle.js"></script>
<script nonce="${nonce}">${START}</script></body></html>`);
  });
}
