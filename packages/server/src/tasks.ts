/** The server's background work: each a loop of its own, stopped together. */
import type { Bus } from '@opmas/bus';
import type { Feed } from './doors/ws/feed.ts';
import { countByStatus, removedSince } from './features/agents/index.ts';
import { AGENT_SECONDS, deleteExpiredSessions } from './features/auth/index.ts';
import { trimKeys } from './features/findings/index.ts';
import { holdLease } from './features/leases/index.ts';
import { startRelay } from './features/outbox/index.ts';
import { deleteExpiredTokens } from './features/registration/index.ts';
import { trimTelemetryKeys } from './features/telemetry/index.ts';
import type { Clock } from './kernel/clock.ts';
import type { Ids } from './kernel/ids.ts';
import { limits } from './kernel/limits.ts';
import type { Logger } from './kernel/logger.ts';
import { type Loop, startLoop } from './kernel/loop.ts';
import type { Measures } from './kernel/measures.ts';
import { sql } from './kernel/sql.ts';
import type { Broker, Database } from './platform/ports.ts';
import type { Services } from './services.ts';

const DAY_MS = 86_400_000;
/** Longer than any message can be delivered again: FINDINGS keeps 7 days, dead letters 30. */
const FINDING_KEYS_MS = 38 * DAY_MS;
const TELEMETRY_KEYS_MS = 2 * 3_600_000;
const PARTITIONS_AHEAD = 7;

export function startTasks(options: {
  services: Services;
  database: Database;
  broker: Broker;
  bus: Bus;
  /** Events of POST /events: since the start, and held now. */
  events: () => Parameters<Measures['events']>[0];
  feed: Feed;
  measures: Measures;
  clock: Clock;
  ids: Ids;
  logger: Logger;
}): () => Promise<void> {
  const { services, database, broker, bus, events, feed, measures, clock, ids, logger } = options;
  const { auth, lifecycle, telemetry, listeners, refusals } = services;
  const loop = (name: string, intervalMs: number, task: () => Promise<void>): Loop =>
    startLoop({ name, intervalMs, logger, task });

  const lease = holdLease({
    database,
    name: 'relay',
    holder: ids.uuid(),
    logger,
    onChange: () => relay.poke(),
  });
  const relay: Loop = startRelay({
    database,
    logger,
    publish: (subject, data, msgId) => broker.publishFeed(subject, data, msgId),
    isLeader: () => lease.held(),
  });
  const projection = loop('projection', 2_000, () => lifecycle.project());
  listeners.outbox = relay.poke;
  listeners.fleet = projection.poke;
  const loops = [
    relay,
    projection,
    loop('liveness', 1_000, async () => {
      if ((await telemetry.sweep()) > 0) relay.poke();
      await telemetry.flush();
    }),
    loop('actions', 5_000, () => lifecycle.expireActions()),
    loop('partitions', 3_600_000, async () => {
      await sql`SELECT ensure_partitions(${PARTITIONS_AHEAD})`.execute(database.pool);
    }),
    loop('trim', 600_000, async () => {
      const before = (ms: number) => new Date(clock.now() - ms);
      await trimTelemetryKeys(database.pool, before(TELEMETRY_KEYS_MS));
      await trimKeys(database.pool, before(FINDING_KEYS_MS));
      await deleteExpiredTokens(database.pool, before(DAY_MS));
      await deleteExpiredSessions(database.pool, before(0));
    }),
    loop('revocations', 2_000, async () => {
      const since = new Date(clock.now() - AGENT_SECONDS * 1_000);
      await auth.syncRevocations(await removedSince(database.pool, since));
      feed.dropRevoked();
    }),
    loop('refusals', limits.refusalsMs, () => refusals.flush()),
    loop('measures', 10_000, async () => {
      measures.agents(await countByStatus(database.pool));
      measures.feedClients(feed.clients());
      measures.events(events());
    }),
  ];
  const offStatus = bus.onStatus(({ state }) => {
    if (state !== 'up') return;
    // The broker may come back with an older store: what the server keeps there is made again.
    broker.prepare().then(
      () => {
        lifecycle.forgetTold();
        projection.poke();
      },
      (error: unknown) => logger.warn({ err: String(error) }, 'broker not prepared'),
    );
  });
  return async () => {
    offStatus();
    await Promise.all(loops.map((each) => each.stop()));
    await refusals.flush();
    await lease.stop();
  };
}
