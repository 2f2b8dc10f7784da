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
  /** The version it is about: refused (412) when another is in force. 0: there must be none yet. */
  ifMatch?: number | undefined;
  /** Given up after this; absent: `limits.requestMs`. */
  timeoutMs?: number;
}

/** `status` is 0 when no answer came. `message` is fit to be shown. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly requestId: string | undefined;
  readonly fields: readonly { path: string; message: string }[];
  /** Seconds to wait before the next try, when the server says so. */
  readonly retryAfter: number | undefined;
  /** Of a conflict: the job that holds what was to be changed. */
  readonly jobId: string | undefined;

  constructor(init: {
    status: number;
    /** One of the protocol's `ErrorCode`, or a newer server's own. */
    code: string;
    message: string;
    requestId?: string | undefined;
    fields?: readonly { path: string; message: string }[] | undefined;
    retryAfter?: number | undefined;
    jobId?: string | undefined;
    cause?: unknown;
  }) {
    super(init.message, { cause: init.cause });
    this.name = 'ApiError';
    this.status = init.status;
    this.code = init.code;
    this.requestId = init.requestId;
    this.fields = init.fields ?? [];
    this.retryAfter = init.retryAfter;
    this.jobId = init.jobId;
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
  const body: unknown = isEmpty ? undefined : await readJson(request, response);
  if (!response.ok) throw toError(response, body);
  if (!isEmpty && body === undefined) throw unreadable(response.status);
  return body as T;
}

/**
 * The answer's body as it is, to be saved.
 * @throws ApiError
 */
export async function download(request: Request): Promise<Blob> {
  const asked = { timeoutMs: limits.downloadMs, ...request };
  const response = await fetchWithin(asked);
  if (!response.ok) throw toError(response, await readJson(asked, response));
  return whole(asked, () => response.blob());
}

/** All of the body. Broken off on the way, half of it must not look like a whole one. */
async function whole<T>(request: Request, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    if (request.signal?.aborted) throw cause;
    const isLate = cause instanceof DOMException && cause.name === 'TimeoutError';
    throw new ApiError({
      status: 0,
      code: isLate ? 'OPMAS_TIMEOUT' : 'OPMAS_API_UNREACHABLE',
      message: isLate ? text.errors.timeout(timeoutOf(request)) : text.errors.broken,
      cause,
    });
  }
}

async function fetchWithin(request: Request): Promise<Response> {
  const timeout = AbortSignal.timeout(timeoutOf(request));
  const headers: Record<string, string> = { accept: 'application/json, */*;q=0.1' };
  if (request.body !== undefined) headers['content-type'] = 'application/json';
  if (request.token !== undefined) headers['authorization'] = `Bearer ${request.token}`;
  if (request.ifMatch === 0) headers['if-none-match'] = '*';
  else if (request.ifMatch !== undefined) headers['if-match'] = `"${request.ifMatch}"`;
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
      ? new ApiError({
          status: 0,
          code: 'OPMAS_TIMEOUT',
          message: text.errors.timeout(timeoutOf(request)),
          cause,
        })
      : new ApiError({
          status: 0,
          code: 'OPMAS_API_UNREACHABLE',
          message: text.errors.unreachable,
          cause,
        });
  }
}

function timeoutOf({ timeoutMs = limits.requestMs }: Request): number {
  return timeoutMs;
}

function address({ path, query = {} }: Request): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined && value !== '') params.set(key, String(value));
  }
  return params.size > 0 ? `/api/v1${path}?${params}` : `/api/v1${path}`;
}

/** `undefined` when the body is no JSON, as from a proxy's own error page. */
async function readJson(request: Request, response: Response): Promise<unknown> {
  const body = await whole(request, () => response.text());
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function toError({ status, headers }: Response, body: unknown): ApiError {
  const problem = asProblem(body);
  if (!problem) return unreadable(status);
  return new ApiError({
    status,
    retryAfter: readSeconds(headers.get('retry-after')),
    code: problem.code ?? 'OPMAS_INTERNAL',
    message: problem.detail || problem.title || text.errors.unreadable(status),
    requestId: problem.request_id,
    fields: problem.errors,
    jobId: problem.job_id,
  });
}

/** The server sends seconds; a date, as a proxy may send, is not understood. */
function readSeconds(value: string | null): number | undefined {
  return value !== null && /^\d{1,6}$/.test(value.trim()) ? Number(value) : undefined;
}

function asProblem(body: unknown): Partial<Problem> | undefined {
  return typeof body === 'object' && body !== null ? body : undefined;
}

function unreadable(status: number): ApiError {
  const code = status >= 500 ? 'OPMAS_UNAVAILABLE' : 'OPMAS_INTERNAL';
  return new ApiError({ status, code, message: text.errors.unreadable(status) });
}
