/** Every operation as a route: HTTP in, invoke, HTTP out. Knows no feature. */

import { Readable } from 'node:stream';
import type { Fault } from '@opmas/protocol';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { TSchema } from 'typebox';
import type { Invoke } from '../../invoke.ts';
import { OpmasError } from '../../kernel/errors.ts';
import { limits } from '../../kernel/limits.ts';
import type { Caller, Operation } from '../../operation.ts';
import type { Admission } from './admission.ts';
import { type Bodies, type HeldBody, jsonOf } from './bodies.ts';
import { cookieCall } from './refresh-cookie.ts';

export const API_BASE = '/api/v1';
export const API_VERSION = '1.0.0';

/** Faults named in one answer, as in those of bodies. */
const MOST_FAULTS = 20;

export interface RouteDoors {
  invoke: Invoke;
  admission: Admission;
  bodies: Bodies;
}

export function registerOperations(
  app: FastifyInstance,
  operations: readonly Operation[],
  doors: RouteDoors,
): void {
  for (const operation of operations) {
    const { rest } = operation;
    app.route({
      method: rest.method,
      url: rest.path.replaceAll(/\{(\w+)\}/g, ':$1'),
      handler: (request, reply) => handle(operation, doors, request, reply),
    });
  }
}

async function handle(
  operation: Operation,
  { invoke, admission, bodies }: RouteDoors,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<unknown> {
  let held: HeldBody | undefined;
  /** Nobody makes the server hold a body that may not make the call, or makes too many of them. */
  const read = async (caller: Caller): Promise<Buffer | undefined> => {
    if (request.body === undefined) return undefined;
    try {
      held = await bodies.read(request.raw, mostBytes(operation), `${caller.kind} ${caller.id}`);
    } catch (error) {
      // Of a body that is too large nobody knows how much more would come.
      if (error instanceof OpmasError && error.status === 413) reply.header('connection', 'close');
      throw error;
    }
    return held.bytes;
  };
  try {
    return await answer(operation, { invoke, admission, read }, request, reply);
  } finally {
    held?.release();
  }
}

async function answer(
  operation: Operation,
  { invoke, admission, read }: Pick<RouteDoors, 'invoke' | 'admission'> & { read: ReadBody },
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<unknown> {
  const { rest } = operation;
  const contentType = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  const cookie = cookieCall(operation, request);
  const given = await invoke(operation, {
    token: bearer(request.headers.authorization),
    params: request.params,
    input: async (caller) => {
      const query = queryOf(operation, request.query);
      const match = ifMatch(
        operation,
        request.headers['if-match'],
        request.headers['if-none-match'],
      );
      const readOwn = () => read(caller);
      const body =
        rest.rawBody === undefined
          ? await jsonBody(readOwn, contentType)
          : await rawBody(rest.rawBody.types, readOwn, contentType);
      return {
        query,
        body: operation.body === undefined ? undefined : (cookie?.body(body) ?? body),
        ...match,
        ...(contentType === undefined ? {} : { contentType }),
      };
    },
    remote: request.ip,
    userAgent: request.headers['user-agent']?.slice(0, limits.userAgentChars),
    requestId: request.id,
    admit: (caller) => admission.call(operation, caller, request),
    guessed: () => admission.address('guesses', request),
  });
  const said = cookie === undefined ? given : cookie.answer(reply, given);
  if (rest.etag === true) {
    const version = (said as { version?: unknown }).version;
    if (typeof version === 'number') reply.header('etag', `"${version}"`);
  }
  reply.code(rest.status ?? (operation.output === undefined ? 204 : 200));
  if (operation.kind === 'stream') {
    // Lines, read from the operation as fast as the caller takes them.
    return reply.type('application/x-ndjson').send(Readable.from(said as AsyncIterable<string>));
  }
  return operation.output === undefined
    ? null
    : reply.type('application/json').send(JSON.stringify(said));
}

function bearer(header: string | undefined): string | undefined {
  const match = /^Bearer +([A-Za-z0-9._~+/=-]{1,8192})$/i.exec(header ?? '');
  return match?.[1];
}

/** `If-None-Match: *` asks that there be none yet: what was never written is at version 0. */
function ifMatch(
  operation: Operation,
  header: string | undefined,
  noneMatch: string | undefined,
): { ifMatch?: number } {
  if (operation.rest.etag !== true || operation.rest.method === 'GET') return {};
  if (noneMatch !== undefined) {
    if (header === undefined && noneMatch.trim() === '*') return { ifMatch: 0 };
    throw new OpmasError('OPMAS_INVALID_REQUEST', 'If-None-Match must be *, without If-Match');
  }
  if (header === undefined || header === '*') return {};
  const match = /^(?:W\/)?"(\d{1,15})"$/.exec(header.trim());
  if (match === null) {
    throw new OpmasError('OPMAS_INVALID_REQUEST', 'If-Match must be the ETag of an answer, as "3"');
  }
  return { ifMatch: Number(match[1]) };
}

type ReadBody = (caller: Caller) => Promise<Buffer | undefined>;

/** Whoever shows no token may send what such a call needs, and no more. */
function mostBytes({ permission, rest }: Operation): number {
  if (permission === 'open') return limits.openBodyBytes;
  return rest.rawBody?.bytes ?? limits.bodyBytes;
}

async function jsonBody(
  read: () => Promise<Buffer | undefined>,
  contentType: string | undefined,
): Promise<unknown> {
  const body = await read();
  if (body === undefined) return undefined;
  if (contentType === 'application/json') return jsonOf(body, limits.jsonDepth);
  throw new OpmasError('OPMAS_UNSUPPORTED_MEDIA', 'Send JSON: Content-Type: application/json');
}

async function rawBody(
  types: readonly string[],
  read: () => Promise<Buffer | undefined>,
  contentType: string | undefined,
): Promise<Buffer> {
  if (contentType === undefined || !types.includes(contentType)) {
    throw new OpmasError('OPMAS_UNSUPPORTED_MEDIA', `Content-Type must be ${types.join(' or ')}`);
  }
  const body = await read();
  if (body !== undefined) return body;
  throw new OpmasError('OPMAS_INVALID_REQUEST', 'The body is empty');
}

/** Query strings are text; numbers and booleans are what the schema says they are. A name nobody reads is a fault. */
function queryOf(operation: Operation, query: unknown): Record<string, unknown> {
  const known = (operation.query?.properties ?? {}) as Record<string, TSchema & { type?: string }>;
  const result: Record<string, unknown> = {};
  const errors: Fault[] = [];
  for (const [key, value] of Object.entries(query as Record<string, unknown>)) {
    if (key === 'api_version') continue;
    if (Object.hasOwn(known, key)) result[key] = coerceValue(known[key]?.type, value);
    else errors.push({ path: short(key), message: 'is not a parameter of this operation' });
  }
  if (errors.length === 0) return result;
  const names = Object.keys(known).join(', ') || 'none';
  throw new OpmasError(
    'OPMAS_INVALID_REQUEST',
    `${errors[0]?.path} is not a parameter of this operation; it has ${names}`,
    { errors: errors.slice(0, MOST_FAULTS) },
  );
}

function short(name: string): string {
  return name.length > 64 ? `${name.slice(0, 63)}…` : name;
}

function coerceValue(type: string | undefined, value: unknown): unknown {
  if (typeof value !== 'string') return value;
  if ((type === 'integer' || type === 'number') && /^-?\d{1,15}(\.\d{1,9})?$/.test(value)) {
    return Number(value);
  }
  if (type === 'boolean' && (value === 'true' || value === 'false')) return value === 'true';
  return value;
}
