/** Every operation as a route: HTTP in, invoke, HTTP out. Knows no feature. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { TObject, TSchema } from 'typebox';
import type { Invoke } from '../../invoke.ts';
import { OpmasError } from '../../kernel/errors.ts';
import { limits } from '../../kernel/limits.ts';
import type { Operation } from '../../operation.ts';

export const API_BASE = '/api/v1';
export const API_VERSION = '1.0.0';

export function registerOperations(
  app: FastifyInstance,
  operations: readonly Operation[],
  invoke: Invoke,
): void {
  for (const operation of operations) {
    const { rest } = operation;
    app.route({
      method: rest.method,
      url: rest.path.replaceAll(/\{(\w+)\}/g, ':$1'),
      bodyLimit: rest.rawBody?.bytes ?? limits.bodyBytes,
      ...(rest.limitPerMinute === undefined
        ? {}
        : { config: { rateLimit: { max: rest.limitPerMinute, timeWindow: 60_000 } } }),
      handler: (request, reply) => handle(operation, invoke, request, reply),
    });
  }
}

async function handle(
  operation: Operation,
  invoke: Invoke,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<unknown> {
  const { rest } = operation;
  const contentType = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  const answer = await invoke(operation, {
    token: bearer(request.headers.authorization),
    params: request.params,
    input: () => ({
      query: withoutApiVersion(coerce(operation.query, request.query)),
      body:
        rest.rawBody === undefined
          ? jsonBody(operation, request.body)
          : rawBody(operation, request.body, contentType),
      ...ifMatch(operation, request.headers['if-match']),
      ...(contentType === undefined ? {} : { contentType }),
    }),
    remote: request.ip,
    requestId: request.id,
  });
  if (rest.etag === true) {
    const version = (answer as { version?: unknown }).version;
    if (typeof version === 'number') reply.header('etag', `"${version}"`);
  }
  reply.code(rest.status ?? (operation.output === undefined ? 204 : 200));
  return operation.output === undefined
    ? null
    : reply.type('application/json').send(JSON.stringify(answer));
}

function bearer(header: string | undefined): string | undefined {
  const match = /^Bearer +([A-Za-z0-9._~+/=-]{1,8192})$/i.exec(header ?? '');
  return match?.[1];
}

function ifMatch(operation: Operation, header: string | undefined): { ifMatch?: number } {
  if (operation.rest.etag !== true || header === undefined || header === '*') return {};
  const match = /^(?:W\/)?"(\d{1,15})"$/.exec(header.trim());
  if (match === null) {
    throw new OpmasError('OPMAS_INVALID_REQUEST', 'If-Match must be the ETag of an answer, as "3"');
  }
  return { ifMatch: Number(match[1]) };
}

function jsonBody(operation: Operation, body: unknown): unknown {
  if (Buffer.isBuffer(body)) {
    throw new OpmasError('OPMAS_UNSUPPORTED_MEDIA', 'Send JSON: Content-Type: application/json');
  }
  return operation.body === undefined ? undefined : body;
}

function rawBody(operation: Operation, body: unknown, contentType: string | undefined): unknown {
  const types = operation.rest.rawBody?.types ?? [];
  if (contentType === undefined || !types.includes(contentType)) {
    throw new OpmasError('OPMAS_UNSUPPORTED_MEDIA', `Content-Type must be ${types.join(' or ')}`);
  }
  if (Buffer.isBuffer(body)) return body;
  throw new OpmasError('OPMAS_INVALID_REQUEST', 'The body is empty');
}

/** Query strings are text; numbers and booleans are what the schema says they are. */
function coerce(schema: TObject | undefined, query: unknown): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(query as Record<string, unknown>)) {
    const property = (schema?.properties as Record<string, TSchema> | undefined)?.[key] as
      | { type?: string }
      | undefined;
    result[key] = coerceValue(property?.type, value);
  }
  return result;
}

function coerceValue(type: string | undefined, value: unknown): unknown {
  if (typeof value !== 'string') return value;
  if ((type === 'integer' || type === 'number') && /^-?\d{1,15}(\.\d{1,9})?$/.test(value)) {
    return Number(value);
  }
  if (type === 'boolean' && (value === 'true' || value === 'false')) return value === 'true';
  return value;
}

function withoutApiVersion(query: Record<string, unknown>): Record<string, unknown> {
  const { api_version: _, ...rest } = query;
  return rest;
}
