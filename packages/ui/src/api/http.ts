// One request to the server, and one kind of error for everything that can go wrong with it.
import type { Problem } from '@opmas/protocol';
import { limits } from '../limits.ts';
import { text } from '../text.ts';

export interface Request {
  method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  path: string;
  query?: Readonly<Record<string, string | number | undefined>>;
  body?: unknown;
  token?: string;
  signal?: AbortSignal | undefined;
}

/** `status` is 0 when no answer came. `message` is fit to be shown. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly requestId: string | undefined;
  readonly fields: readonly { path: string; message: string }[];

  constructor(init: {
    status: number;
    /** One of the protocol's `ErrorCode`, or a newer server's own. */
    code: string;
    message: string;
    requestId?: string | undefined;
    fields?: readonly { path: string; message: string }[] | undefined;
    cause?: unknown;
  }) {
    super(init.message, { cause: init.cause });
    this.name = 'ApiError';
    this.status = init.status;
    this.code = init.code;
    this.requestId = init.requestId;
    this.fields = init.fields ?? [];
  }
}

/** Did the server refuse (it will again), or was it only out of reach or busy? */
export function isRefusal(error: unknown): boolean {
  if (!(error instanceof ApiError) || error.status === 429) return false;
  return error.status >= 400 && error.status < 500;
}

/**
 * The answer's JSON as `T`. The server validates what it sends against the schemas `T` comes from; they are
 * not compiled here, because that needs `unsafe-eval`.
 * @throws ApiError
 */
export async function send<T>(request: Request): Promise<T> {
  const response = await fetchWithin(request);
  const isEmpty = response.status === 204;
  const body: unknown = isEmpty ? undefined : await readJson(response);
  if (!response.ok) throw toError(response.status, body);
  if (!isEmpty && body === undefined) throw unreadable(response.status);
  return body as T;
}

async function fetchWithin(request: Request): Promise<Response> {
  const timeout = AbortSignal.timeout(limits.requestMs);
  const headers: Record<string, string> = { accept: 'application/json' };
  if (request.body !== undefined) headers['content-type'] = 'application/json';
  if (request.token !== undefined) headers['authorization'] = `Bearer ${request.token}`;
  try {
    return await fetch(address(request), {
      method: request.method ?? 'GET',
      headers,
      cache: 'no-store',
      signal: request.signal ? AbortSignal.any([request.signal, timeout]) : timeout,
      ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
    });
  } catch (cause) {
    if (request.signal?.aborted) throw cause;
    throw timeout.aborted
      ? new ApiError({ status: 0, code: 'OPMAS_TIMEOUT', message: text.errors.timeout, cause })
      : new ApiError({
          status: 0,
          code: 'OPMAS_API_UNREACHABLE',
          message: text.errors.unreachable,
          cause,
        });
  }
}

function address({ path, query = {} }: Request): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined && value !== '') params.set(key, String(value));
  }
  return params.size > 0 ? `/api/v1${path}?${params}` : `/api/v1${path}`;
}

/** `undefined` when the body is no JSON, as from a proxy's own error page. */
async function readJson(response: Response): Promise<unknown> {
  const body = await response.text();
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function toError(status: number, body: unknown): ApiError {
  const problem = asProblem(body);
  if (!problem) return unreadable(status);
  return new ApiError({
    status,
    code: problem.code ?? 'OPMAS_INTERNAL',
    message: problem.detail || problem.title || text.errors.unreadable(status),
    requestId: problem.request_id,
    fields: problem.errors,
  });
}

function asProblem(body: unknown): Partial<Problem> | undefined {
  return typeof body === 'object' && body !== null ? body : undefined;
}

function unreadable(status: number): ApiError {
  const code = status >= 500 ? 'OPMAS_UNAVAILABLE' : 'OPMAS_INTERNAL';
  return new ApiError({ status, code, message: text.errors.unreadable(status) });
}
