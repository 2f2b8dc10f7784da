/** The three calls an agent makes to the management API: register, renew, fetch the configuration. */
import {
  type CredentialsRequest,
  ERRORS,
  type ErrorCode,
  JsonObject,
  parse,
  RegistrationAnswer,
  type RegistrationRequest,
  type Static,
  type TSchema,
  Type,
} from '@opmas/protocol';
import { AgentError, describeFaults, messageOf } from '../errors.ts';
import { limits } from '../limits.ts';

const ConfigAnswer = Type.Object({
  agent_id: Type.String(),
  version: Type.Integer({ minimum: 0 }),
  hash: Type.String({ maxLength: 64 }),
  config: JsonObject,
});
export type ConfigAnswer = Static<typeof ConfigAnswer>;

/** A refusal that trying again will not change, as opposed to a server that is away or overloaded. */
export class Refusal extends AgentError {
  readonly status: number;

  constructor(code: ErrorCode, status: number, message: string) {
    super(code, message);
    this.status = status;
  }
}

/** A server that is busy says when to come back. */
export class Busy extends AgentError {
  readonly retryAfterMs: number | undefined;

  constructor(message: string, retryAfterMs: number | undefined) {
    super('OPMAS_API_UNREACHABLE', message);
    this.retryAfterMs = retryAfterMs;
  }
}

/** Every method throws `Refusal` for a final no, `AgentError` OPMAS_API_UNREACHABLE for anything else. */
export class ManagementApi {
  readonly #base: string;

  /** @param managementUrl `MANAGEMENT_API_URL`; @throws {AgentError} when it is no http(s) URL */
  constructor(managementUrl: string) {
    const url = URL.canParse(managementUrl) ? new URL(managementUrl) : undefined;
    if (url === undefined || !['http:', 'https:'].includes(url.protocol)) {
      throw new AgentError(
        'OPMAS_INVALID_CONFIGURATION',
        `MANAGEMENT_API_URL must be http://host:port or https://…, not ${JSON.stringify(managementUrl.slice(0, 200))}`,
      );
    }
    this.#base = `${managementUrl.replace(/\/+$/, '')}/api/v1`;
  }

  register(body: RegistrationRequest, signal: AbortSignal): Promise<RegistrationAnswer> {
    return this.#call('POST', '/agents', RegistrationAnswer, { body, signal });
  }

  renew(
    agentId: string,
    body: CredentialsRequest,
    signal: AbortSignal,
  ): Promise<RegistrationAnswer> {
    const path = `/agents/${encodeURIComponent(agentId)}/credentials`;
    return this.#call('POST', path, RegistrationAnswer, { body, signal });
  }

  config(agentId: string, accessToken: string, signal: AbortSignal): Promise<ConfigAnswer> {
    const path = `/agents/${encodeURIComponent(agentId)}/config`;
    return this.#call('GET', path, ConfigAnswer, { signal, token: accessToken });
  }

  async #call<S extends TSchema>(
    method: string,
    path: string,
    schema: S,
    options: { body?: object; token?: string; signal: AbortSignal },
  ): Promise<Static<S>> {
    const what = `${method} ${this.#base}${path}`;
    const headers: Record<string, string> = { accept: 'application/json' };
    if (options.token !== undefined) headers['authorization'] = `Bearer ${options.token}`;
    if (options.body !== undefined) headers['content-type'] = 'application/json';
    let response: Response;
    let text: string;
    try {
      response = await fetch(`${this.#base}${path}`, {
        method,
        headers,
        redirect: 'error',
        signal: AbortSignal.any([options.signal, AbortSignal.timeout(limits.httpTimeoutMs)]),
        ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) }),
      });
      text = await readBody(response);
    } catch (error) {
      const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
      throw new AgentError('OPMAS_API_UNREACHABLE', `${what}: ${messageOf(cause)}`, {
        cause: error,
      });
    }
    if (!response.ok) throw refusalOf(what, response, text);
    const parsed = parse(schema, parseJson(text));
    if (parsed.ok) return parsed.value;
    throw new AgentError(
      'OPMAS_API_UNREACHABLE',
      `${what}: the answer is not OPMAS's (${describeFaults(parsed.errors)}): is this the management API?`,
    );
  }
}

async function readBody(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  const body: AsyncIterable<Uint8Array> | null = response.body;
  if (body === null) return '';
  for await (const chunk of body) {
    size += chunk.byteLength;
    if (size > limits.httpBodyBytes)
      throw new Error(`the answer exceeds ${limits.httpBodyBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function refusalOf(what: string, response: Response, text: string): AgentError {
  const problem = parse(
    Type.Object({ code: Type.Optional(Type.String()), detail: Type.Optional(Type.String()) }),
    parseJson(text),
  );
  const body = problem.ok ? problem.value : {};
  const detail = (body.detail ?? response.statusText).slice(0, 500);
  const message = `${what}: ${response.status} ${body.code ?? ''} ${detail}`.trim();
  const { status } = response;
  if (status >= 500 || status === 408 || status === 425 || status === 429) {
    const seconds = Number(response.headers.get('retry-after'));
    return new Busy(message, seconds > 0 ? Math.min(seconds * 1000, 60_000) : undefined);
  }
  return new Refusal(codeOf(body.code), status, message);
}

function codeOf(text: string | undefined): ErrorCode {
  const codes = Object.keys(ERRORS) as ErrorCode[];
  return codes.find((code) => code === text) ?? 'OPMAS_FORBIDDEN';
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
