/** What every answer tells a browser it may do with it: the least that the page needs. */
import helmet from '@fastify/helmet';
import type { FastifyInstance } from 'fastify';
import { CSP_REPORTS_PATH } from './csp-reports.ts';

/** What no page of ours uses; a script that got in could not use it either. */
const FEATURES_OFF = [
  'accelerometer',
  'autoplay',
  'camera',
  'display-capture',
  'encrypted-media',
  'fullscreen',
  'geolocation',
  'gyroscope',
  'hid',
  'idle-detection',
  'local-fonts',
  'magnetometer',
  'microphone',
  'midi',
  'payment',
  'picture-in-picture',
  'publickey-credentials-get',
  'screen-wake-lock',
  'serial',
  'storage-access',
  'usb',
  'xr-spatial-tracking',
];

/**
 * Browsers know named endpoints under HTTPS only, and where `report-to` names one they pass over
 * `report-uri`: without HTTPS it alone reports at all.
 */
function reports(secure: boolean): string[] {
  return [`report-uri ${CSP_REPORTS_PATH}`, ...(secure ? ['report-to csp'] : [])];
}

/** Of everything that is no page: it loads nothing and is shown nowhere. */
const NO_PAGE = ["default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'"].join('; ');

/**
 * No inline script, no eval, no style attribute; style elements with the nonce of this answer only.
 * Scripts cannot make markup from text but through the page's own policy, which lets no markup pass.
 */
export function pagePolicy(nonce: string, secure: boolean): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self'",
    "font-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    'trusted-types default',
    ...reports(secure),
  ].join('; ');
}

/** Of the page about the API, which is not ours: no inline script either but the one that starts it. */
export function docsPolicy(nonce: string, secure: boolean): string {
  return [
    "default-src 'none'",
    `script-src 'self' 'nonce-${nonce}'`,
    `style-src 'self' 'nonce-${nonce}'`,
    "img-src 'self' data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    ...reports(secure),
  ].join('; ');
}

/** `publicUrl` decides whether browsers are told to come by HTTPS only. */
export async function registerHeaders(
  app: FastifyInstance,
  { publicUrl }: { publicUrl: string | undefined },
): Promise<void> {
  await app.register(helmet, {
    contentSecurityPolicy: false,
    crossOriginOpenerPolicy: { policy: 'same-origin' },
    crossOriginResourcePolicy: { policy: 'same-origin' },
    referrerPolicy: { policy: 'no-referrer' },
    frameguard: { action: 'deny' },
    strictTransportSecurity: false,
  });
  const permissions = FEATURES_OFF.map((feature) => `${feature}=()`).join(', ');
  // Said of our own name only: said of `localhost`, it would shut out every other program of this machine.
  const secureHost = publicUrl?.startsWith('https:') ? new URL(publicUrl).host : undefined;
  app.addHook('onRequest', async (request, reply) => {
    reply.header('content-security-policy', NO_PAGE).header('permissions-policy', permissions);
    if (request.protocol === 'https') {
      reply.header('reporting-endpoints', `csp="${CSP_REPORTS_PATH}"`);
    }
    if (secureHost !== undefined && request.headers.host === secureHost) {
      reply.header('strict-transport-security', 'max-age=31536000');
    }
  });
}
