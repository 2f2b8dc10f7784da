/** `/health`, `/health/live`, `/health/ready`, `/metrics`: for probes and Prometheus, not for people. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { HealthReport } from '@opmas/protocol';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { isLoopback } from '../../settings.ts';

export interface HealthSource {
  report(): Promise<HealthReport>;
  metrics(): Promise<{ type: string; text: string }>;
  metricsToken: string | undefined;
}

export function registerHealth(app: FastifyInstance, source: HealthSource): void {
  /** Asked by many at once, the parts are asked once: anybody may ask. */
  let asking: Promise<HealthReport> | undefined;
  const report = () => {
    asking ??= source.report().finally(() => {
      asking = undefined;
    });
    return asking;
  };
  app.get('/health/live', async () => ({ status: 'live' }));
  for (const path of ['/health', '/health/ready']) {
    app.get(path, async (_request, reply) => {
      const answer = await report();
      if (answer.status === 'unavailable') reply.code(503).header('retry-after', '2');
      return answer;
    });
  }
  app.get('/metrics', async (request, reply) => {
    if (!mayRead(request, source.metricsToken)) {
      return reply
        .code(401)
        .type('text/plain')
        .send('/metrics from beyond loopback needs OPMAS_METRICS_TOKEN as a bearer token\n');
    }
    const { type, text } = await source.metrics();
    return reply.type(type).send(text);
  });
}

function mayRead(request: FastifyRequest, token: string | undefined): boolean {
  if (isLoopback(request.ip.replace(/^::ffff:/, ''))) return true;
  if (token === undefined) return false;
  const given = /^Bearer (.+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? '';
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(token));
}
