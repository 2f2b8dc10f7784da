/** Speaks OpenID Connect with one provider: authorization code with PKCE, state and nonce. */
import type { Configuration, CustomFetch } from 'openid-client';
import { messageOf, OpmasError } from '../../kernel/errors.ts';
import { isLoopbackName, type OidcSettings } from '../../oidc-settings.ts';

const TIMEOUT_SECONDS = 10;
const CLOCK_TOLERANCE_SECONDS = 30;
/** The provider's metadata are asked for again after this long, and after a failure at once. */
const FRESH_MS = 3_600_000;
const VALUES_MAX = 1_000;
/** Metadata, keys, tokens and claims: what a provider says at once is never this much. */
const ANSWER_BYTES = 1_048_576;
/** OpenID Connect Core 2: at most 255 characters of ASCII. */
const SUBJECT = /^[\x20-\x7e]{1,255}$/;
const NAME_CHARS = 128;

/** What the browser carries from the start of a sign-in to its end. */
export interface Flow {
  state: string;
  nonce: string;
  verifier: string;
}

export interface Vouched {
  issuer: string;
  subject: string;
  name: string;
  /** What the claim of roles says. */
  groups: string[];
}

export type OidcClient = ReturnType<typeof createOidcClient>;

/** The library is loaded when the first person signs in this way. */
export function createOidcClient(settings: OidcSettings) {
  let known: { configuration: Promise<Configuration>; at: number } | undefined;
  const library = () => import('openid-client');

  async function discover(): Promise<Configuration> {
    const client = await library();
    const { issuer, clientId, clientSecret } = settings;
    const isLocal = isLoopbackName(new URL(issuer).hostname);
    return client.discovery(
      new URL(issuer),
      clientId,
      { [client.clockTolerance]: CLOCK_TOLERANCE_SECONDS },
      clientSecret === undefined ? client.None() : client.ClientSecretBasic(clientSecret),
      {
        timeout: TIMEOUT_SECONDS,
        [client.customFetch]: boundedFetch,
        // What the provider says of a person counts by its signature, not by the connection it came over.
        execute: [
          client.enableNonRepudiationChecks,
          ...(isLocal ? [client.allowInsecureRequests] : []),
        ],
      },
    );
  }

  async function configured(): Promise<Configuration> {
    const now = performance.now();
    if (known === undefined || now - known.at > FRESH_MS)
      known = { configuration: discover(), at: now };
    try {
      return await known.configuration;
    } catch (error) {
      known = undefined;
      throw unavailable(error);
    }
  }

  return {
    /** Where to send the browser, and what it must bring back. */
    async start(redirectUri: string): Promise<{ location: URL; flow: Flow }> {
      const configuration = await configured();
      const client = await library();
      const flow: Flow = {
        state: client.randomState(),
        nonce: client.randomNonce(),
        verifier: client.randomPKCECodeVerifier(),
      };
      const location = client.buildAuthorizationUrl(configuration, {
        redirect_uri: redirectUri,
        scope: scopeFor(settings.rolesClaim, configuration.serverMetadata().scopes_supported),
        state: flow.state,
        nonce: flow.nonce,
        code_challenge: await client.calculatePKCECodeChallenge(flow.verifier),
        code_challenge_method: 'S256',
      });
      return { location, flow };
    },

    /**
     * Who the provider vouches for, out of the address the browser came back to.
     * @throws {OpmasError} OPMAS_TOKEN_INVALID, OPMAS_PROVIDER_UNAVAILABLE
     */
    async finish(returned: URL, flow: Flow): Promise<Vouched> {
      const configuration = await configured();
      const client = await library();
      try {
        const answer = await client.authorizationCodeGrant(configuration, returned, {
          expectedState: flow.state,
          expectedNonce: flow.nonce,
          pkceCodeVerifier: flow.verifier,
          idTokenExpected: true,
        });
        const claims = answer.claims();
        if (claims === undefined) throw new Error('the answer has no ID token');
        const { sub } = claims;
        if (!SUBJECT.test(sub)) throw new Error('the subject is no text of 1 to 255 characters');
        const inToken = valueAt(claims, settings.rolesClaim);
        const hasMore = configuration.serverMetadata().userinfo_endpoint !== undefined;
        const told =
          inToken !== undefined || !hasMore
            ? claims
            : {
                ...claims,
                ...(await client.fetchUserInfo(configuration, answer.access_token, sub)),
              };
        return {
          issuer: claims.iss,
          subject: sub,
          name: nameIn(told) ?? sub,
          groups: texts(valueAt(told, settings.rolesClaim)),
        };
      } catch (error) {
        throw refusal(error);
      }
    },
  };
}

/** Some providers tell groups and roles only to who asks for the scope of that name. */
function scopeFor(rolesClaim: string, supported: readonly string[] = []): string {
  const extra = ['groups', 'roles'].filter(
    (scope) => rolesClaim.includes(scope) && supported.includes(scope),
  );
  return ['openid', 'profile', 'email', ...extra].join(' ');
}

function valueAt(claims: object, path: string): unknown {
  let value: unknown = claims;
  for (const key of path.split('.')) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = Object.hasOwn(value, key) ? (value as Record<string, unknown>)[key] : undefined;
  }
  return value;
}

function texts(value: unknown): string[] {
  const list: unknown[] = Array.isArray(value) ? value.slice(0, VALUES_MAX) : [value];
  return list.filter((item) => typeof item === 'string');
}

function nameIn(claims: object): string | undefined {
  for (const key of ['preferred_username', 'email', 'name']) {
    const value = valueAt(claims, key);
    const name = typeof value === 'string' ? writable(value) : '';
    if (name !== '') return name;
  }
  return undefined;
}

/** In one line and of a length that fits a record: people write it, at some providers their own. */
function writable(text: string): string {
  return text
    .toWellFormed()
    .replaceAll(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, NAME_CHARS)
    .toWellFormed();
}

/** As `fetch`, of an answer that ends within the bound. */
const boundedFetch: CustomFetch = async (url, options) => {
  const response = await fetch(url, options as RequestInit);
  const { status, statusText, headers } = response;
  if (response.body === null) return response;
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    length += chunk.byteLength;
    if (length > ANSWER_BYTES) {
      throw new TypeError(`${new URL(url).pathname} answers more than ${ANSWER_BYTES} bytes`);
    }
    chunks.push(chunk);
  }
  return new Response(Buffer.concat(chunks), { status, statusText, headers });
};

/** No answer, or a fault of the provider's own, is told from an answer that proves nothing. */
function refusal(error: unknown): OpmasError {
  const { code, status } = error as { code?: unknown; status?: unknown };
  const isTransport =
    error instanceof TypeError || code === 'OAUTH_TIMEOUT' || code === 'OAUTH_NETWORK_ERROR';
  if (isTransport || (typeof status === 'number' && status >= 500)) return unavailable(error);
  return new OpmasError(
    'OPMAS_TOKEN_INVALID',
    'What came back from the provider does not prove who you are; start the sign-in again',
    { cause: error, internal: messageOf(error) },
  );
}

function unavailable(cause: unknown): OpmasError {
  return new OpmasError(
    'OPMAS_PROVIDER_UNAVAILABLE',
    'The provider does not answer as it should; try again in a moment, or sign in with a password',
    { retryAfter: 5, cause },
  );
}
