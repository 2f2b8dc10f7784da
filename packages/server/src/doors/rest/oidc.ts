/** Signing in through a provider: the browser is sent there, comes back, and has a session. */

import { Type } from '@opmas/protocol';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { type AuthService, clientOf, type Pair, PROVIDER_ID } from '../../features/auth/index.ts';
import { asOpmasError, type Invoke } from '../../invoke.ts';
import type { Clock } from '../../kernel/clock.ts';
import { OpmasError } from '../../kernel/errors.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { OidcSettings } from '../../oidc-settings.ts';
import { type Operation, operation } from '../../operation.ts';
import type { Admission } from './admission.ts';
import { createOidcClient, type Flow } from './oidc-client.ts';
import { setRefreshCookie } from './refresh-cookie.ts';

const FLOW_COOKIE = '__Host-opmas-oidc';
const FLOW_SECONDS = 600;
/** Lax: the browser comes back from another site, and must bring it. */
const FLOW_ATTRIBUTES = { path: '/', httpOnly: true, secure: true, sameSite: 'lax' } as const;
const START = '/auth/login/oidc/:provider';
const PARAMS = Type.Object({ provider: Type.String({ maxLength: 64 }) });

export interface OidcOptions {
  settings: OidcSettings;
  auth: Pick<AuthService, 'signIn' | 'users'>;
  /** Where browsers find OPMAS: scheme and authority. */
  publicUrl: () => string;
  clock: Clock;
  logger: Logger;
}

interface StoredFlow extends Flow {
  returnTo: string;
  expires: number;
}

/** The routes; below the API's base. */
export function registerOidc(
  api: FastifyInstance,
  { invoke, admission }: { invoke: Invoke; admission: Admission },
  options: OidcOptions,
): void {
  const { settings, logger, clock, publicUrl } = options;
  const redirectUrl = () =>
    new URL(
      settings.redirectUrl ?? `${publicUrl()}/api/v1/auth/login/oidc/${PROVIDER_ID}/callback`,
    );
  const { start, finish } = oidcOperations(options, redirectUrl);

  const call = <T>(asked: Operation, request: FastifyRequest, body: unknown): Promise<T> =>
    invoke(asked, {
      token: undefined,
      params: request.params,
      input: () => ({ query: request.query, body }),
      remote: request.ip,
      userAgent: request.headers['user-agent'],
      requestId: request.id,
      admit: (caller) => admission.call(asked, caller, request),
    }) as Promise<T>;

  api.get(START, async (request, reply) => {
    const elsewhere = onOwnHost(request, redirectUrl());
    if (elsewhere !== undefined) return reply.redirect(elsewhere, 302);
    return forBrowsers(request, reply, logger, async () => {
      if (isFromElsewhere(request)) return signInPage(request.query, redirectUrl().origin);
      const { location, flow } = await call<Started>(start, request, undefined);
      reply.setCookie(FLOW_COOKIE, encodeFlow(flow), { ...FLOW_ATTRIBUTES, maxAge: FLOW_SECONDS });
      return location;
    });
  });

  api.get(`${START}/callback`, async (request, reply) =>
    forBrowsers(request, reply, logger, async () => {
      const flow = readFlow(request.cookies[FLOW_COOKIE], clock.now());
      reply.clearCookie(FLOW_COOKIE, FLOW_ATTRIBUTES);
      const pair = await call<Pair>(finish, request, flow);
      setRefreshCookie(reply, pair.refresh_token);
      return ownPath(flow?.returnTo ?? '/', redirectUrl().origin);
    }),
  );
}

interface Started {
  location: string;
  flow: StoredFlow;
}

function oidcOperations({ settings, auth, clock, logger }: OidcOptions, redirectUrl: () => URL) {
  const client = createOidcClient(settings);
  const start = operation({
    id: 'auth.oidc.start',
    summary: 'Go to the provider to sign in there',
    kind: 'unary',
    effect: 'read',
    permission: 'open',
    rest: { method: 'GET', path: '/auth/login/oidc/{provider}', limitPerMinute: 30, tag: 'auth' },
    params: PARAMS,
    query: Type.Object({
      return_to: Type.Optional(Type.String({ maxLength: 1_024 })),
      moved: Type.Optional(Type.String({ maxLength: 1 })),
    }),
    output: Type.Unknown(),
    run: async ({ params, query }): Promise<Started> => {
      requireProvider(params.provider);
      const returnTo = ownPath(query.return_to ?? '/', redirectUrl().origin);
      const { location, flow } = await client.start(redirectUrl().href);
      const expires = clock.now() + FLOW_SECONDS * 1_000;
      return { location: location.href, flow: { ...flow, returnTo, expires } };
    },
  });
  const finish = operation({
    id: 'auth.oidc',
    summary: 'Come back from the provider, signed in',
    kind: 'unary',
    effect: 'external',
    permission: 'open',
    rest: {
      method: 'GET',
      path: '/auth/login/oidc/{provider}/callback',
      limitPerMinute: 30,
      tag: 'auth',
    },
    params: PARAMS,
    query: Type.Record(Type.String(), Type.String({ maxLength: 4_096 })) as never,
    body: Type.Unknown(),
    output: Type.Unknown(),
    run: async ({ params, query, body }, running): Promise<Pair> => {
      requireProvider(params.provider);
      const flow = body as StoredFlow | undefined;
      if (flow === undefined) {
        throw new OpmasError(
          'OPMAS_TOKEN_INVALID',
          'This sign-in was not started in this browser, or took too long; start it again',
        );
      }
      const returned = redirectUrl();
      returned.search = new URLSearchParams(query as Record<string, string>).toString();
      const person = await client.finish(returned, flow);
      const mapped = person.groups.flatMap((group) => settings.roleMap.get(group) ?? []);
      const roles = (await auth.users.forPeople([...new Set(mapped)])).sort();
      running.audit({ object: person.name, details: { issuer: person.issuer } });
      if (roles.length === 0) {
        logger.warn(
          { issuer: person.issuer, groups: person.groups.length },
          'no role for a person',
        );
        throw new OpmasError(
          'OPMAS_NO_ROLE',
          `${person.name} is known to ${settings.name}, and none of their groups has a role here: an administrator maps groups with OPMAS_OIDC_ROLE_MAP`,
        );
      }
      return auth.signIn.provider(
        { ...person, roles, state: flow.state, stateExpires: flow.expires },
        clientOf(running),
        running,
      );
    },
  });
  return { start, finish };
}

function requireProvider(id: string): void {
  if (id !== PROVIDER_ID) throw new OpmasError('OPMAS_NOT_FOUND', `No sign-in provider ${id}`);
}

/** A path of our own page: nobody is led to another site with our name in front. */
function ownPath(text: string, origin: string): string {
  const isPath = /^\/(?![/\\])[\x21-\x5b\x5d-\x7e]*$/.test(text);
  if (isPath && new URL(text, origin).origin === origin) return text;
  throw new OpmasError(
    'OPMAS_INVALID_REQUEST',
    'return_to must be a path of this page, as /findings',
  );
}

/**
 * The cookie of the flow belongs to one host name, and the provider sends the browser back to one: who
 * came by another name (localhost, 127.0.0.1) starts again under that one.
 */
function onOwnHost(request: FastifyRequest, redirectUrl: URL): string | undefined {
  const asked = new URL(request.url, redirectUrl.origin);
  if (request.headers.host === redirectUrl.host || asked.searchParams.has('moved'))
    return undefined;
  asked.searchParams.set('moved', '1');
  return asked.href;
}

/**
 * Did another site's page send the browser here? Whoever is signed in at the provider would then be signed in
 * here without having asked for it. What sends none of the headers browsers send is no browser.
 */
function isFromElsewhere(request: FastifyRequest): boolean {
  const site = request.headers['sec-fetch-site'];
  return site !== undefined && site !== 'same-origin' && site !== 'none';
}

/** Where people press the button themselves, to get to where they were led. */
function signInPage(query: unknown, origin: string): string {
  const { return_to: target } = query as { return_to?: unknown };
  if (target === undefined) return '/login';
  const next = ownPath(typeof target === 'string' ? target : '', origin);
  return `/login?${new URLSearchParams({ next }).toString()}`;
}

/** A browser goes on to where `work` says, or back to the sign-in page with the code of what went wrong. */
async function forBrowsers(
  request: FastifyRequest,
  reply: FastifyReply,
  logger: Logger,
  work: () => Promise<string>,
): Promise<FastifyReply> {
  try {
    return await reply.redirect(await work(), 302);
  } catch (thrown) {
    const error = asOpmasError(thrown);
    if (request.headers.accept?.includes('text/html') !== true) throw error;
    logger.warn(
      { code: error.code, request_id: request.id, detail: error.internal ?? error.message },
      'not signed in through the provider',
    );
    return reply.redirect(`/login?refused=${error.code}`, 302);
  }
}

function encodeFlow(flow: StoredFlow): string {
  return Buffer.from(JSON.stringify(flow)).toString('base64url');
}

/** Undefined when it is missing, too old, or nothing we wrote. */
function readFlow(text: string | undefined, now: number): StoredFlow | undefined {
  if (text === undefined) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(text, 'base64url').toString('utf8'));
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
  const { state, nonce, verifier, returnTo, expires } = (value ?? {}) as Partial<StoredFlow>;
  const isWhole =
    [state, nonce, verifier, returnTo].every((part) => typeof part === 'string' && part !== '') &&
    typeof expires === 'number';
  if (!isWhole || expires < now || expires > now + FLOW_SECONDS * 1_000) return undefined;
  return value as StoredFlow;
}
