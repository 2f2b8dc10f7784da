/** The server's background work: each a loop of its own, stopped together. */
import type { Bus } from '@opmas/bus';
import type { Feed } from './doors/ws/feed.ts';
import { countByStatus, removedSince } from './features/agents/index.ts';
import { createSealer } from './features/audit/index.ts';
import { AGENT_SECONDS } from './features/auth/index.ts';
import { configLimits } from './features/configs/index.ts';
import { createDeliverer, trimInstances } from './features/deliveries/index.ts';
import { trimKeys } from './features/findings/index.ts';
import { createJobsEngine, jobLimits, trimJobs } from './features/jobs/index.ts';
import { holdLease } from './features/leases/index.ts';
import { trimActions } from './features/lifecycle/index.ts';
import { startRelay } from './features/outbox/index.ts';
import { deleteExpiredTokens } from './features/registration/index.ts';
import { trimUsage } from './features/rules/index.ts';
import { trimSources, trimTelemetryKeys } from './features/telemetry/index.ts';
import type { Clock } from './kernel/clock.ts';
import { eachOf } from './kernel/each.ts';
import { messageOf } from './kernel/errors.ts';
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
/** How long a source that fell silent is remembered. */
const SOURCES_MS = 14 * DAY_MS;
const PARTITIONS_AHEAD = 7;

export function startTasks(options: {
  services: Services;
  database: Database;
  broker: Broker;
  bus: Bus;
  configDeadlineMs: number;
  /** Events of POST /events: since the start, and held now. */
  events: () => Parameters<Measures['events']>[0];
  feed: Feed;
  measures: Measures;
  clock: Clock;
  ids: Ids;
  logger: Logger;
}): () => Promise<void> {
  const { services, database, broker, bus, events, feed, measures, clock, ids, logger } = options;
  const { auth, lifecycle, telemetry, listeners, refusals, revocations } = services;
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
  const sealerLease = holdLease({
    database,
    name: 'audit',
    holder: ids.uuid(),
    logger,
    onChange: () => sealing.poke(),
  });
  const sealer = createSealer({
    database,
    audit: services.audit,
    keys: services.keyChain,
    file: services.checkpoints,
    lease: sealerLease,
    clock,
    logger,
  });
  const sealing = loop('audit', limits.sealMs, () => sealer.seal());
  const deliveryLease = holdLease({
    database,
    name: 'deliveries',
    holder: ids.uuid(),
    logger,
    onChange: () => deliverer.changed(),
  });
  const deliverer = createDeliverer({
    database,
    broker,
    agents: services.agents,
    configs: services.configs,
    reports: services.configReports,
    lease: deliveryLease,
    clock,
    ids,
    logger,
    deadlineMs: options.configDeadlineMs,
    wake: () => delivering.poke(),
  });
  const delivering: Loop = loop('deliveries', limits.deliveriesMs, () => deliverer.work());
  listeners.deliveries = () => deliverer.changed();
  const offAnswers = broker.onAnswer((id, answer) => deliverer.answer(id, answer));
  const jobsLease = holdLease({
    database,
    name: 'jobs',
    holder: ids.uuid(),
    logger,
    onChange: () => jobbing.poke(),
  });
  const jobsEngine = createJobsEngine({
    ...services,
    database,
    lease: jobsLease,
    clock,
    logger,
    told: services.fleetChanged,
  });
  const jobbing: Loop = loop('jobs', jobLimits.lookMs, () => jobsEngine.work());
  listeners.jobs = jobbing.poke;
  const projection = loop('projection', 2_000, () => lifecycle.project());
  listeners.outbox = relay.poke;
  const roles = loop('roles', 2_000, () => services.access.sync());
  listeners.fleet = projection.poke;
  const accountClaims = loop('account claims', limits.revocationsMs, () => revocations.push());
  listeners.revocations = accountClaims.poke;
  const keys = loop('keys', limits.keysMs, () => services.keyChain.refresh());
  const masterKey = loop('master key', limits.keysMs, () => services.rotation.work());
  listeners.keys = () => {
    keys.poke();
    masterKey.poke();
  };
  const loops = [
    relay,
    sealing,
    jobbing,
    projection,
    roles,
    loop('liveness', 1_000, async () => {
      if ((await telemetry.sweep()) > 0) relay.poke();
      for (const { item, error } of await telemetry.flush()) {
        const told = { agent: item.agent_id, fault: messageOf(error) };
        logger.warn(told, 'heartbeat not storable, dropped');
      }
    }),
    loop('actions', 5_000, () => lifecycle.expireActions()),
    loop('configurations', configLimits.expiryMs, async () => {
      await services.configUpkeep.refresh();
      await services.configUpkeep.expire();
    }),
    loop('partitions', 3_600_000, async () => {
      await sql`SELECT ensure_partitions(${PARTITIONS_AHEAD})`.execute(database.pool);
    }),
    loop('trim', 600_000, async () => {
      const before = (ms: number) => new Date(clock.now() - ms);
      const { pool } = database;
      await eachOf([
        () => trimInstances(pool, before(DAY_MS)),
        () => trimUsage(pool, before(DAY_MS)),
        () => trimSources(pool, before(SOURCES_MS)),
        () => trimTelemetryKeys(pool, before(TELEMETRY_KEYS_MS)),
        () => services.slots.trimTopics(before(FINDING_KEYS_MS)),
        () => trimKeys(pool, before(FINDING_KEYS_MS)),
        () => trimJobs(pool, before(jobLimits.keptMs), jobLimits.kept),
        () => trimActions(pool, before(jobLimits.keptMs)),
        () => deleteExpiredTokens(pool, before(DAY_MS)),
        () => auth.trim(),
      ]);
    }),
    delivering,
    accountClaims,
    loop('second instances', 30_000, () => services.slots.calm()),
    loop('revocations', 2_000, async () => {
      const since = new Date(clock.now() - AGENT_SECONDS * 1_000);
      await auth.syncRevocations([
        ...(await removedSince(database.pool, since)),
        ...(await revocations.since(database.pool, since)),
      ]);
      await services.syncFacts();
      await services.tokens.sync();
      feed.dropRevoked();
    }),
    keys,
    masterKey,
    loop('key renewal', 3_600_000, () => services.keyChain.renew()),
    loop('refusals', limits.refusalsMs, () => refusals.flush()),
    loop('measures', 10_000, async () => {
      measures.agents(await countByStatus(database.pool));
      measures.feedClients(feed.clients());
      measures.events(events());
    }),
  ];
  const offStatus = bus.onStatus(({ state }) => {
    if (state !== 'up') return;
    revocations.forgetTold();
    accountClaims.poke();
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
    // A lease that is not released keeps its work from every other server until it expires.
    await eachOf([
      offAnswers,
      () => Promise.all(loops.map((each) => each.stop())),
      () => refusals.flush(),
      () => sealer.finish(),
      () => jobsLease.stop(),
      () => deliveryLease.stop(),
      () => sealerLease.stop(),
      () => lease.stop(),
    ]);
  };
}
