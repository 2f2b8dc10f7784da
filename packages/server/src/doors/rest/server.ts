/** The HTTP server: limits, headers, problem documents, and the doors that stand on it. */
import { randomUUID } from 'node:crypto';
import helmet from '@fastify/helmet';
import rateLimit from '@fastify/rate-limit';
import websocket from '@fastify/websocket';
import Fastify, { type FastifyError, type FastifyInstance, type FastifyReply } from 'fastify';
import { asOpmasError, type Invoke } from '../../invoke.ts';
import { OpmasError } from '../../kernel/errors.ts';
import { limits } from '../../kernel/limits.ts';
import type { Logger } from '../../kernel/logger.ts';
import { isDeep } from '../../kernel/storable.ts';
import type { Operation } from '../../operation.ts';
import type { Feed } from '../ws/feed.ts';
import { registerDocs } from './docs.ts';
import { type HealthSource, registerHealth } from './health.ts';
import { knownPaths } from './known-paths.ts';
import { openApi } from './openapi.ts';
import { registerPage } from './page.ts';
import { PROBLEM_TYPE, toProblem } from './problem.ts';
import { API_BASE, API_VERSION, registerOperations } from './routes.ts';
import { refuseUnreadable } from './unreadable.ts';

export interface HttpOptions {
  operations: readonly Operation[];
  invoke: Invoke;
  feed: Feed;
  health: HealthSource;
  /** The built web page. */
  pageDirectory: string;
  logger: Logger;
}

type Fail = (error: unknown, requestId: string, reply: FastifyReply) => FastifyReply;

const MAJOR = API_VERSION.split('.')[0];

export async function createHttp(options: HttpOptions): Promise<FastifyInstance> {
  const { logger } = options;
  const fail: Fail = (error, requestId, reply) => {
    const known = ofFramework(error) ?? asOpmasError(error);
    if (known.status >= 500) {
      const detail = { code: known.code, request_id: requestId, cause: describeCause(known) };
      if (known.status === 503) logger.warn(detail, known.message);
      else logger.error(detail, known.message);
    }
    if (known.retryAfter !== undefined) reply.header('retry-after', String(known.retryAfter));
    return reply
      .code(known.status)
      .header('x-request-id', requestId)
      .type(PROBLEM_TYPE)
      .send(JSON.stringify(toProblem(known, requestId)));
  };
  const app = Fastify({
    logger: false,
    bodyLimit: limits.bodyBytes,
    requestTimeout: limits.requestTimeoutMs,
    connectionTimeout: 0,
    keepAliveTimeout: 72_000,
    genReqId: () => randomUUID(),
    routerOptions: { maxParamLength: 256 },
    forceCloseConnections: true,
    http: { maxHeaderSize: limits.headerBytes, headersTimeout: 10_000 },
    frameworkErrors: (error, request, reply) => void fail(error, request.id, reply),
    clientErrorHandler: refuseUnreadable,
  });
  const methodsOf = knownPaths(app);
  app.setErrorHandler((error, request, reply) => fail(error, request.id, reply));
  rawBodies(app);
  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
    },
    crossOriginResourcePolicy: { policy: 'same-origin' },
    strictTransportSecurity: false,
  });
  await app.register(rateLimit, {
    global: false,
    errorResponseBuilder: (_request, context) =>
      new OpmasError('OPMAS_RATE_LIMITED', `Too many requests; try again in ${context.after}`, {
        retryAfter: Math.ceil(context.ttl / 1_000),
      }),
  });
  await app.register(websocket, { options: { maxPayload: 16_384 } });
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
    if (!request.url.startsWith('/api/')) return;
    reply.header('api-version', API_VERSION).header('cache-control', 'no-store');
    refuseUnknownVersion(request.headers['api-version'], request.query);
  });

  await app.register(
    async (api) => {
      registerOperations(api, options.operations, options.invoke);
      const document = JSON.stringify(openApi(options.operations));
      api.get('/openapi.json', async (_request, reply) =>
        reply.type('application/json').send(document),
      );
    },
    { prefix: API_BASE },
  );
  for (const path of [`${API_BASE}/agents/ws`, '/agents/ws']) {
    app.get(path, { websocket: true }, (socket) => options.feed.accept(socket));
  }
  registerHealth(app, options.health);
  await registerDocs(app);
  const page = await registerPage(app, options.pageDirectory);
  app.setNotFoundHandler((request, reply) => {
    const { method, url, headers } = request;
    const wantsPage = method === 'GET' && headers.accept?.includes('text/html') === true;
    if (wantsPage && !url.startsWith('/api/')) return page(reply, 404);
    const allowed = methodsOf(url.split('?')[0] ?? '');
    if (allowed.length > 0 && !allowed.includes(method)) {
      const allow = allowed.join(', ');
      const refused = new OpmasError('OPMAS_METHOD_NOT_ALLOWED', `${method} is none of ${allow}`);
      return fail(refused, request.id, reply.header('allow', allow));
    }
    const missing = new OpmasError('OPMAS_NOT_FOUND', `Nothing at ${method} ${url.split('?')[0]}`);
    return fail(missing, request.id, reply);
  });
  return app;
}

/** JSON of ordinary operations is parsed by the framework; event bodies stay bytes. */
function rawBodies(app: FastifyInstance): void {
  const parseJson = app.getDefaultJsonParser('error', 'error');
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    if (request.routeOptions.url === `${API_BASE}/events`) {
      done(null, body);
      return;
    }
    if (body.length === 0) {
      done(null, undefined);
      return;
    }
    const text = body.toString('utf8');
    if (isDeep(text, limits.jsonDepth)) {
      done(tooDeep());
      return;
    }
    void parseJson(request, text, done);
  });
}

function tooDeep(): OpmasError {
  return new OpmasError(
    'OPMAS_INVALID_REQUEST',
    `The body is nested deeper than ${limits.jsonDepth} levels`,
  );
}

function refuseUnknownVersion(header: string | string[] | undefined, query: unknown): void {
  const asked = header ?? (query as { api_version?: unknown }).api_version;
  if (asked === undefined) return;
  if (typeof asked === 'string' && (asked === MAJOR || asked.startsWith(`${MAJOR}.`))) return;
  throw new OpmasError(
    'OPMAS_UNKNOWN_VERSION',
    `API version ${JSON.stringify(asked)} is not known; this server speaks ${API_VERSION}`,
  );
}

/** What the framework itself refuses, in our codes. */
function ofFramework(error: unknown): OpmasError | undefined {
  const { code, statusCode, message } = error as Partial<FastifyError>;
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    return new OpmasError('OPMAS_TOO_LARGE', 'The body is too large for this operation');
  }
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
    return new OpmasError('OPMAS_UNSUPPORTED_MEDIA', 'Send JSON: Content-Type: application/json');
  }
  if (typeof code === 'string' && statusCode !== undefined && statusCode < 500) {
    return new OpmasError('OPMAS_INVALID_REQUEST', message ?? 'The request is not valid');
  }
  if (error instanceof SyntaxError && statusCode === 400) {
    return new OpmasError('OPMAS_INVALID_REQUEST', `The body is not JSON: ${error.message}`);
  }
  return undefined;
}

function describeCause(error: OpmasError): string | undefined {
  const { cause } = error;
  if (cause instanceof Error) return cause.stack ?? cause.message;
  return error.internal;
}
