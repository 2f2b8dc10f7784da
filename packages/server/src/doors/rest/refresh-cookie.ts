/**
 * The refresh token of a page, in a cookie no script reads. `__Host-` binds it to this very host, and
 * `SameSite=Strict` keeps it at home when another site makes the browser call.
 */
import '@fastify/cookie';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Operation } from '../../operation.ts';

export const REFRESH_COOKIE = '__Host-opmas-refresh';

/** A session unused for this long has ended: so may its cookie. */
const MAX_AGE_SECONDS = 12 * 3_600;

const ATTRIBUTES = { path: '/', httpOnly: true, secure: true, sameSite: 'strict' } as const;
const TOKEN = /^[A-Za-z0-9_-]{1,256}$/;

/** One call of an operation with `rest.refreshCookie`. */
export interface CookieCall {
  /** The body, with the token of the cookie when it has none of its own. */
  body(given: unknown): unknown;
  /** The answer for the client: without the token when that goes, or came, in the cookie. */
  answer(reply: FastifyReply, given: unknown): unknown;
}

/** Undefined for an operation that knows no refresh tokens. */
export function cookieCall(operation: Operation, request: FastifyRequest): CookieCall | undefined {
  if (operation.rest.refreshCookie !== true) return undefined;
  let inCookie = false;
  return {
    body: (given) => {
      const body = given === undefined ? {} : given;
      if (!isObject(body)) return body;
      inCookie = body['cookie'] === true;
      if (!takesToken(operation) || body['refresh_token'] !== undefined) return body;
      const token = tokenOf(request);
      if (token === undefined) return body;
      inCookie = true;
      return { ...body, refresh_token: token };
    },
    answer: (reply, given) => {
      if (!inCookie) return given;
      if (!isObject(given)) {
        reply.clearCookie(REFRESH_COOKIE, ATTRIBUTES);
        return given;
      }
      const { refresh_token: token, ...rest } = given;
      if (typeof token === 'string') setRefreshCookie(reply, token);
      return rest;
    },
  };
}

export function setRefreshCookie(reply: FastifyReply, token: string): void {
  reply.setCookie(REFRESH_COOKIE, token, { ...ATTRIBUTES, maxAge: MAX_AGE_SECONDS });
}

/** Undefined when it is missing, or is nothing we gave. */
function tokenOf(request: FastifyRequest): string | undefined {
  const value = request.cookies[REFRESH_COOKIE];
  return value !== undefined && TOKEN.test(value) ? value : undefined;
}

function takesToken(operation: Operation): boolean {
  const properties: unknown = (operation.body as { properties?: unknown } | undefined)?.properties;
  return isObject(properties) && 'refresh_token' in properties;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
