/** Is a request meant for us, and does a change come from our own page? Against rebinding and forged requests. */
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import type { FastifyRequest } from 'fastify';
import { OpmasError } from '../../kernel/errors.ts';
import { isLoopback } from '../../settings.ts';

export interface OwnNames {
  /** What the server listens on. */
  host: string;
  /** Where browsers find it, when that is something else. */
  publicUrl: string | undefined;
}

const READING = new Set(['GET', 'HEAD', 'OPTIONS']);
const EVERYWHERE = new Set(['0.0.0.0', '::']);

/**
 * A check for every request. It refuses a target or `Host` that is not ours (a name that an attacker's
 * DNS answers with our address would make their page same-origin with us), and a change, or a WebSocket,
 * that a page of another origin asks for. What sends none of the headers browsers send is no browser.
 * Probes are not asked for a name: they are made by address or by a service's name.
 *
 * @throws {OpmasError} OPMAS_UNKNOWN_HOST, OPMAS_CROSS_ORIGIN, OPMAS_INVALID_REQUEST
 */
export function ownOriginCheck(names: OwnNames): (request: FastifyRequest) => void {
  const isOwnName = ownName(names);
  return (request) => {
    const { raw, method } = request;
    if (raw.url?.startsWith('/') !== true) {
      throw new OpmasError('OPMAS_INVALID_REQUEST', 'The request target must be a path');
    }
    if (timesSent(raw.rawHeaders, 'host') > 1) {
      throw new OpmasError('OPMAS_INVALID_REQUEST', 'There is more than one Host');
    }
    if (!/^\/health(\/|\?|$)/.test(raw.url) && !isOwnName(nameOf(request.headers.host))) {
      throw new OpmasError(
        'OPMAS_UNKNOWN_HOST',
        `This server is not called ${JSON.stringify(request.headers.host ?? '')}: use its address, or set OPMAS_PUBLIC_URL`,
      );
    }
    const changes = !READING.has(method) || raw.headers.upgrade !== undefined;
    if (changes) refuseOtherSites(request, names.publicUrl);
  };
}

function refuseOtherSites(request: FastifyRequest, publicUrl: string | undefined): void {
  const { host, origin } = request.headers;
  const site = request.headers['sec-fetch-site'];
  const sameSite = site === undefined || site === 'same-origin' || site === 'none';
  // Under our public name only the public origin is ours: a page of it without TLS may be anybody's.
  const isPublic = publicUrl !== undefined && new URL(publicUrl).host === host?.toLowerCase();
  const own = isPublic ? [publicUrl] : [publicUrl, `${request.protocol}://${host}`.toLowerCase()];
  const sameOrigin =
    origin === undefined ||
    own.includes(origin) ||
    // A page that tells nobody where it is: the browser still says whether it is ours.
    (origin === 'null' && site === 'same-origin');
  if (sameSite && sameOrigin) return;
  throw new OpmasError(
    'OPMAS_CROSS_ORIGIN',
    'A page of another origin sent this. If it is the page of OPMAS behind a proxy, set OPMAS_PUBLIC_URL to where browsers find it',
  );
}

function ownName({ host, publicUrl }: OwnNames): (name: string | undefined) => boolean {
  const named = new Set([host.toLowerCase(), 'localhost']);
  if (publicUrl !== undefined) named.add(bare(new URL(publicUrl).hostname));
  const everywhere = EVERYWHERE.has(host);
  if (everywhere) named.add(hostname().toLowerCase());
  return (name) =>
    name !== undefined &&
    (named.has(name) ||
      isLoopback(name) ||
      // Listening everywhere, any address may be ours; and no page elsewhere can pass for an address.
      (everywhere && isIP(name) !== 0));
}

/** The name or address of a `Host` header, without port, brackets and closing dot. */
function nameOf(header: string | undefined): string | undefined {
  const match = /^(\[[0-9a-f:.]{2,45}\]|[a-z0-9._-]{1,255})(?::\d{1,5})?$/i.exec(header ?? '');
  const name = match?.[1]?.toLowerCase();
  return name === undefined ? undefined : bare(name.replace(/(?<=.)\.$/, ''));
}

function bare(name: string): string {
  return name.replace(/^\[|\]$/g, '');
}

function timesSent(rawHeaders: readonly string[], name: string): number {
  return rawHeaders.filter((text, at) => at % 2 === 0 && text.toLowerCase() === name).length;
}
