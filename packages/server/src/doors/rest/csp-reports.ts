/** `POST /api/v1/csp-reports`: what browsers refused on our pages, in both of the forms they report it in. */
import { parse, Type } from '@opmas/protocol';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { OpmasError } from '../../kernel/errors.ts';
import { limits } from '../../kernel/limits.ts';
import type { Logger } from '../../kernel/logger.ts';

export const CSP_REPORTS_PATH = '/api/v1/csp-reports';

const Text = Type.Optional(Type.String());

/** `report-uri`: one report, `application/csp-report`. */
const Single = Type.Object({
  'csp-report': Type.Object({
    'effective-directive': Text,
    'violated-directive': Text,
    'blocked-uri': Text,
    'source-file': Text,
    'document-uri': Text,
  }),
});

/** `report-to`: a list of reports of any kind, `application/reports+json`. */
const Several = Type.Array(
  Type.Object({
    type: Type.String(),
    body: Type.Optional(
      Type.Object({
        effectiveDirective: Text,
        blockedURL: Text,
        sourceFile: Text,
        documentURL: Text,
      }),
    ),
  }),
  { maxItems: 50 },
);

interface Violation {
  directive: string;
  blocked: string;
  source: string;
  page: string;
}

/**
 * In a scope of its own, since it reads bodies in its own way. Each kind of violation is logged once while the server runs: reports are written by anybody.
 * `admit` throws when the address has sent too many.
 */
export function registerCspReports(
  app: FastifyInstance,
  { logger, admit }: { logger: Logger; admit: (request: FastifyRequest) => Promise<void> },
): void {
  const known = new Set<string>();
  // Bounded by the route, and small: read before anything is known of the sender.
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.post(
    '/csp-reports',
    { bodyLimit: limits.cspReportBytes, onRequest: admit },
    async (request, reply) => {
      for (const violation of violationsIn(request.body)) {
        const kind = JSON.stringify([violation.directive, violation.blocked, violation.source]);
        if (known.has(kind) || known.size >= limits.cspReportKinds) continue;
        known.add(kind);
        logger.warn({ ...violation }, 'a browser refused what the content security policy forbids');
      }
      return reply.code(204).send();
    },
  );
}

function violationsIn(body: unknown): Violation[] {
  let value = body;
  if (Buffer.isBuffer(body)) {
    try {
      value = JSON.parse(body.toString('utf8'));
    } catch (error) {
      throw new OpmasError('OPMAS_INVALID_REQUEST', 'The report is not JSON', { cause: error });
    }
  }
  const several = parse(Several, value);
  if (several.ok) {
    return several.value
      .filter(({ type }) => type === 'csp-violation')
      .map(({ body: report }) =>
        violation(
          report?.effectiveDirective,
          report?.blockedURL,
          report?.sourceFile,
          report?.documentURL,
        ),
      );
  }
  const single = parse(Single, value);
  if (!single.ok) throw new OpmasError('OPMAS_INVALID_REQUEST', 'This is no CSP report');
  const report = single.value['csp-report'];
  return [
    violation(
      report['effective-directive'] ?? report['violated-directive'],
      report['blocked-uri'],
      report['source-file'],
      report['document-uri'],
    ),
  ];
}

/** Addresses without their query: a one-time code may be in it. */
function violation(directive = '', blocked = '', source = '', page = ''): Violation {
  return {
    directive: short(directive.split(' ')[0] ?? ''),
    blocked: short(withoutQuery(blocked)),
    source: short(withoutQuery(source)),
    page: short(withoutQuery(page)),
  };
}

function withoutQuery(url: string): string {
  return url.split(/[?#]/, 1)[0] ?? '';
}

function short(text: string): string {
  return text.slice(0, limits.cspReportText);
}
