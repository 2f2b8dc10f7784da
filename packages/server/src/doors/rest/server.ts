/** The HTTP server: limits, headers, problem documents, and the doors that stand on it. */
import { randomUUID } from 'node:crypto';
import cookie from '@fastify/cookie';
import websocket from '@fastify/websocket';
import Fastify, {
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
  type FastifyServerFactory,
} from 'fastify';
import type { Refusals } from '../../features/audit/index.ts';
import { ANONYMOUS } from '../../features/auth/index.ts';
import { asOpmasError, type Invoke } from '../../invoke.ts';
import { OpmasError } from '../../kernel/errors.ts';
import { limits } from '../../kernel/limits.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { Operation } from '../../operation.ts';
import type { RateLimiter } from '../../platform/ports.ts';
import type { Feed } from '../ws/feed.ts';
import { registerFeed } from '../ws/upgrade.ts';
import { createAdmission } from './admission.ts';
import { type BodyBounds, createBodies } from './bodies.ts';
import { addressIn, boundConnections, PARSER_OPTIONS } from './connections.ts';
import { registerCspReports } from './csp-reports.ts';
import { registerDocs } from './docs.ts';
import { registerHeaders } from './headers.ts';
import { type HealthSource, registerHealth } from './health.ts';
import { type HttpsOptions, httpsServer } from './https.ts';
import { knownPaths } from './known-paths.ts';
import { type OidcOptions, registerOidc } from './oidc.ts';
import { openApi } from './openapi.ts';
import { type OwnNames, ownOriginCheck } from './own-origin.ts';
import { registerPage } from './page.ts';
import { PROBLEM_TYPE, toProblem } from './problem.ts';
import { API_BASE, API_VERSION, registerOperations } from './routes.ts';
import { refuseUnreadable } from './unreadable.ts';

export interface HttpOptions {
  operations: readonly Operation[];
  invoke: Invoke;
  feed: Feed;
  health: HealthSource;
  limiter: RateLimiter;
  /** Told of requests that are refused before it is known what they ask for. */
  refusals: Pick<Refusals, 'note'>;
  /** What the server is called, and the proxies that say whom they speak for. */
  names: OwnNames;
  trustedProxies: readonly string[];
  /** Undefined: plain HTTP. */
  https: HttpsOptions | undefined;
  /** Signing in through a provider, where one is set. */
  oidc?: OidcOptions | undefined;
  /** The built web page. */
  pageDirectory: string;
  logger: Logger;
  bodyBounds?: BodyBounds;
}

const BODY_BOUNDS: BodyBounds = {
  bytes: limits.bodiesHeldBytes,
  bytesOfOne: limits.bodiesHeldBytesOfOne,
  small: limits.smallBodyBytes,
};

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
    bodyLimit: limits.openBodyBytes,
    requestTimeout: limits.requestTimeoutMs,
    connectionTimeout: 0,
    keepAliveTimeout: limits.keepAliveMs,
    trustProxy: options.trustedProxies.length > 0 && [...options.trustedProxies],
    genReqId: () => randomUUID(),
    routerOptions: { maxParamLength: 256 },
    forceCloseConnections: true,
    http: PARSER_OPTIONS,
    ...serverOf(options),
    frameworkErrors: (error, request, reply) => void fail(error, request.id, reply),
    clientErrorHandler: refuseUnreadable,
  });
  boundConnections(app.server, addressIn(options.trustedProxies));
  const methodsOf = knownPaths(app);
  app.setErrorHandler((error, request, reply) => fail(error, request.id, reply));
  leaveBodies(app);
  await registerHeaders(app, options.names);
  await app.register(cookie);
  await app.register(websocket, { options: { maxPayload: limits.feedMessageBytes } });
  const checkOrigin = ownOriginCheck(options.names);
  const admission = createAdmission(options.limiter);
  const bodies = createBodies(options.bodyBounds ?? BODY_BOUNDS);
  app.addHook('onRequest', async (request, reply) => {
    reply.header('x-request-id', request.id);
    try {
      checkOrigin(request);
    } catch (error) {
      noteRefusal(options.refusals, request, asOpmasError(error));
      throw error;
    }
    if (!request.url.startsWith('/api/')) return;
    reply.header('api-version', API_VERSION).header('cache-control', 'no-store');
    refuseUnknownVersion(request.headers['api-version'], request.query);
  });

  await app.register(
    async (api) => {
      registerOperations(api, options.operations, { invoke: options.invoke, admission, bodies });
      if (options.oidc !== undefined) {
        registerOidc(api, { invoke: options.invoke, admission }, options.oidc);
      }
      await api.register(async (scope) =>
        registerCspReports(scope, {
          logger,
          admit: (request) => admission.address('reports', request),
        }),
      );
      const document = JSON.stringify(openApi(options.operations));
      api.get('/openapi.json', async (_request, reply) =>
        reply.type('application/json').send(document),
      );
    },
    { prefix: API_BASE },
  );
  registerFeed(app, {
    feed: options.feed,
    admit: (request) => admission.address('feed', request),
  });
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

function noteRefusal(
  refusals: HttpOptions['refusals'],
  request: FastifyRequest,
  { code }: OpmasError,
): void {
  refusals.note({
    caller: ANONYMOUS,
    action: 'http.request',
    code,
    remote: request.ip,
    userAgent: request.headers['user-agent']?.slice(0, limits.userAgentChars),
    requestId: request.id,
  });
}

function serverOf({ https, logger }: HttpOptions): { serverFactory?: FastifyServerFactory } {
  return https === undefined
    ? {}
    : { serverFactory: (handler) => httpsServer(https, handler, logger) };
}

/** The framework reads no body: whoever needs one reads it when it is known who sends it. */
function leaveBodies(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, body, done) => done(null, body));
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
