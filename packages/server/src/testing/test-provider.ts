/** A real OpenID Connect provider on loopback, and a browser that follows it. */
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import Provider from 'oidc-provider';

export interface TestProvider {
  issuer: string;
  /** Who signs in next: it asks for no password. */
  visitor: string;
  /** What the claim `roles` says of whom. */
  groups: Map<string, unknown>;
  /** By path, what happens to its next answer on the way. */
  onTheWay: Map<string, (answer: Json) => Json>;
  /** The ID token with other claims or another header (`undefined` leaves one out), signed by the provider. */
  resigned(idToken: unknown, claims?: Json, header?: Json, signature?: Signature): string;
  stop(): Promise<void>;
}

export type Json = Record<string, unknown>;
type Signature = (input: Buffer) => Buffer;

export const CLIENT_ID = 'opmas';
export const CLIENT_SECRET = 'a secret of the client';

/** The addresses it may send browsers back to are told before the server that has them is started. */
export async function testProvider(redirectUris: readonly string[]): Promise<TestProvider> {
  const groups = new Map<string, unknown>();
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: CLIENT_ID,
        client_secret: CLIENT_SECRET,
        redirect_uris: redirectUris,
        grant_types: ['authorization_code'],
        response_types: ['code'],
      },
    ],
    claims: { openid: ['sub'], profile: ['preferred_username', 'roles'] },
    findAccount: (_: unknown, sub: string) => ({
      accountId: sub,
      claims: () => ({ sub, preferred_username: sub, roles: groups.get(sub) }),
    }),
    pkce: { required: () => true },
    features: { devInteractions: { enabled: false } },
    cookies: { keys: ['test'] },
    jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256' }] },
    ttl: {
      AccessToken: 60,
      AuthorizationCode: 60,
      IdToken: 60,
      Interaction: 60,
      Session: 60,
      Grant: 60,
    },
  });
  const own: TestProvider = {
    issuer,
    visitor: 'nobody',
    groups,
    onTheWay: new Map(),
    resigned: (idToken, claims = {}, header = {}, signature = rs256(privateKey)) => {
      const [head = '', body = ''] = String(idToken).split('.');
      const parts = [
        { ...fromPart(head), ...header },
        { ...fromPart(body), ...claims },
      ];
      const input = parts.map((part) => toPart(JSON.stringify(part))).join('.');
      return `${input}.${toPart(signature(Buffer.from(input)))}`;
    },
    stop: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };

  /** Signs the visitor in and consents, without asking. */
  async function interact(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { prompt, params, session } = await provider.interactionDetails(request, response);
    if (prompt.name === 'login') {
      const login = { accountId: own.visitor };
      await provider.interactionFinished(request, response, { login });
      return;
    }
    const grant = new provider.Grant({
      accountId: session?.accountId,
      clientId: params.client_id,
    });
    grant.addOIDCScope('openid profile email');
    const consent = { grantId: await grant.save() };
    await provider.interactionFinished(request, response, { consent });
  }
  const handle = provider.callback();
  server.on('request', (request, response) => {
    const path = request.url?.split('?')[0] ?? '';
    const change = own.onTheWay.get(path);
    if (change !== undefined) {
      own.onTheWay.delete(path);
      changeAnswer(response, change);
    }
    if (request.url?.startsWith('/interaction/') !== true) handle(request, response);
    else interact(request, response).catch((error: unknown) => response.destroy(error as Error));
  });
  return own;
}

/** A signature of that algorithm by `key`. */
export function rs256(key: KeyObject): Signature {
  return (input) => sign('sha256', input, key);
}

const toPart = (bytes: string | Buffer) => Buffer.from(bytes).toString('base64url');
const fromPart = (part: string) => JSON.parse(Buffer.from(part, 'base64url').toString()) as Json;

/** JSON that is sent as a whole is sent changed. */
function changeAnswer(response: ServerResponse, change: (answer: Json) => Json): void {
  const end = response.end.bind(response) as (body: string) => ServerResponse;
  response.end = ((body: string | Buffer) => {
    const changed = JSON.stringify(change(JSON.parse(String(body)) as Json));
    response.setHeader('content-length', Buffer.byteLength(changed));
    return end(changed);
  }) as typeof response.end;
}

/** Cookies by host, as a browser keeps them; redirects are followed by hand. */
export class Browser {
  readonly #jars = new Map<string, Map<string, string>>();

  async get(url: string, headers: Record<string, string> = {}): Promise<Response> {
    return this.#send(url, { headers });
  }

  /** Follows redirects until one leads to `back`; that address. */
  async follow(start: string, back: string): Promise<string> {
    let url = start;
    for (let hops = 0; hops < 15 && !url.startsWith(back); hops++) {
      const response = await this.get(url);
      const next = response.headers.get('location');
      if (next === null) throw new Error(`no way on from ${url}: ${await response.text()}`);
      url = new URL(next, url).href;
    }
    return url;
  }

  cookie(url: string, name: string): string | undefined {
    return this.#jar(url).get(name);
  }

  setCookie(url: string, name: string, value: string): void {
    this.#jar(url).set(name, value);
  }

  #jar(url: string): Map<string, string> {
    const { host } = new URL(url);
    const jar = this.#jars.get(host) ?? new Map<string, string>();
    this.#jars.set(host, jar);
    return jar;
  }

  async #send(url: string, init: RequestInit): Promise<Response> {
    const jar = this.#jar(url);
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ');
    const headers = { ...(init.headers as Record<string, string>), ...(cookie && { cookie }) };
    const response = await fetch(url, { ...init, headers, redirect: 'manual' });
    for (const line of response.headers.getSetCookie()) {
      const [pair = ''] = line.split(';');
      const at = pair.indexOf('=');
      const value = pair.slice(at + 1);
      if (value === '') jar.delete(pair.slice(0, at));
      else jar.set(pair.slice(0, at), value);
    }
    return response;
  }
}
