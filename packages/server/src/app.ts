/** The composition: platform → features → doors; started here, stopped in reverse. No environment, no exit. */

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Bus } from '@opmas/bus';
import { followRouting } from '@opmas/ingest';
import { openKeyring } from '@opmas/keyring';
import type { TlsFiles } from '@opmas/keyring/certificates';
import { receiveEverything } from './doors/nats/index.ts';
import { ownUrl } from './doors/rest/own-url.ts';
import { createHttp } from './doors/rest/server.ts';
import { createFeed } from './doors/ws/feed.ts';
import { holdsSecrets } from './features/secrets/index.ts';
import { healthReporter } from './health.ts';
import { createInvoke } from './invoke.ts';
import type { Clock } from './kernel/clock.ts';
import { eachOf } from './kernel/each.ts';
import { messageOf } from './kernel/errors.ts';
import type { Ids } from './kernel/ids.ts';
import type { Logger } from './kernel/logger.ts';
import { localToken, serverId, setupCode } from './keys.ts';
import { allOperations } from './operations.ts';
import { brokerAccount } from './platform/broker/account.ts';
import { openBus, openSystemBus } from './platform/broker/connect.ts';
import { credentialsIssuer } from './platform/broker/credentials.ts';
import { eventsGate } from './platform/broker/events.ts';
import { natsBroker } from './platform/broker/nats.ts';
import { recordedEvents } from './platform/broker/recorded.ts';
import { memoryCache } from './platform/cache/memory.ts';
import { migrate } from './platform/database/migrate.ts';
import { openPostgres } from './platform/database/postgres.ts';
import { memoryLimiter } from './platform/limiter/memory.ts';
import { createMeasures } from './platform/measures.ts';
import type { Cache, RateLimiter } from './platform/ports.ts';
import { createServices } from './services.ts';
import type { Settings } from './settings.ts';
import { startTasks } from './tasks.ts';

const MIGRATIONS = fileURLToPath(new URL('../migrations', import.meta.url));
const PAGE = fileURLToPath(new URL('../../ui/dist', import.meta.url));
const SDK = fileURLToPath(new URL('../../sdk/package.json', import.meta.url));

export interface App {
  url: string;
  /** The one-time link, while nobody can sign in yet. */
  setupUrl: string | undefined;
  bus: Bus;
  stop(): Promise<void>;
}

export interface AppOptions {
  settings: Settings;
  logger: Logger;
  clock: Clock;
  ids: Ids;
}

/** Starts everything; rejects, with everything already started stopped again, when a part cannot start. */
export async function startApp(options: AppOptions): Promise<App> {
  const stops: (() => Promise<void> | void)[] = [];
  const stop = async () => {
    await eachOf(stops.splice(0).reverse());
  };
  try {
    return { ...(await compose(options, (step) => void stops.push(step))), stop };
  } catch (error) {
    await stop().catch((fault: unknown) => {
      options.logger.warn({ err: messageOf(fault) }, 'not everything could be stopped');
    });
    throw error;
  }
}

async function compose(
  { settings, logger, clock, ids }: AppOptions,
  onStop: (step: () => Promise<void> | void) => void,
): Promise<Omit<App, 'stop'>> {
  const { dataDir } = settings;
  await migrate({
    url: settings.databaseMigrateUrl,
    applicationUrl: settings.databaseUrl,
    directory: MIGRATIONS,
    logger,
  });
  const database = openPostgres({ url: settings.databaseUrl, logger });
  onStop(() => database.close());
  const cache = await openCache(settings.redisUrl, clock, logger);
  onStop(() => cache.close());
  const limiter = await openLimiter(settings.redisUrl, clock, logger);
  onStop(() => limiter.close());
  const bus = await openBus(settings.nats, logger);
  onStop(() => bus.drain());
  const broker = natsBroker(bus, settings);
  await broker.prepare();
  const router = await followRouting({
    path: join(dataDir, 'routing.json'),
    onFault: (errors) =>
      logger.error({ errors }, 'routing.json is not valid; the rules before it stay'),
  });
  onStop(() => router.stop());

  const measures = createMeasures();
  const events = eventsGate({ bus, router, clock, ids });
  onStop(() => events.close());
  let url = '';
  const services = createServices({
    settings,
    database,
    broker,
    recorded: recordedEvents(bus),
    credentials: credentialsIssuer({
      url: settings.nats.url,
      accountSeed: settings.nats.accountSeed,
      account: settings.nats.account,
      clock,
    }),
    brokerAccount: accountOf(settings, logger),
    // A missing key is new only where nothing is sealed yet.
    keyring: openKeyring(settings.masterKeyFile, { make: !(await holdsSecrets(database.pool)) }),
    localToken: await localToken(dataDir),
    sdkPackage: SDK,
    measures,
    clock,
    ids,
    logger,
    managementUrl: () => url,
  });
  onStop(() => services.rulesCheck.stop());
  await services.audit.prepare();
  const { auth } = services;
  await services.revocations.pushAtStart();
  await services.access.sync();
  await services.syncFacts();
  const feed = createFeed({
    auth,
    grantsOf: auth.grantsNow,
    factsOf: services.factsOf,
    logger,
  });
  onStop(() => feed.close());
  const invoke = createInvoke({
    database,
    auth,
    audit: services.audit,
    logger,
    refusals: services.refusals,
    agentFacts: services.agentFacts,
    afterWrite: services.fleetChanged,
    measure: measures.call,
  });
  const tls = await openTls(settings, logger);
  onStop(() => tls?.stop());
  const http = await createHttp({
    operations: allOperations({ ...services, events }),
    invoke,
    feed,
    health: {
      report: healthReporter({
        database,
        bus,
        settings,
        revocations: services.revocations.state,
      }),
      metrics: () => measures.text(),
      metricsToken: settings.metricsToken,
    },
    limiter,
    refusals: services.refusals,
    names: { host: settings.http.host, publicUrl: settings.publicUrl },
    trustedProxies: settings.trustedProxies,
    https: tls && { files: tls, clientCertificates: settings.tls?.clientCa !== undefined },
    oidc: settings.oidc && {
      settings: settings.oidc,
      auth,
      publicUrl: () => settings.publicUrl ?? url,
      clock,
      logger,
    },
    pageDirectory: PAGE,
    logger,
  });
  onStop(() => http.close());

  onStop(
    await receiveEverything({
      bus,
      ...services,
      changed: () => services.listeners.outbox(),
      configChanged: () => services.listeners.deliveries(),
      feed,
      database,
      clock,
      logger,
      measures,
      serverId: await serverId(dataDir),
    }),
  );
  await http.listen({ host: settings.http.host, port: settings.http.port });
  url = ownUrl({
    address: http.server.address(),
    host: settings.http.host,
    publicUrl: settings.publicUrl,
    certificate: tls?.certificate(),
  });
  onStop(
    startTasks({
      services,
      database,
      broker,
      bus,
      configDeadlineMs: settings.configDeadlineMs,
      events: () => events.stats(),
      feed,
      measures,
      clock,
      ids,
      logger,
    }),
  );
  await services.discovery.start();
  onStop(() => services.discovery.stop());
  return { url, setupUrl: await prepareSignIn(settings, services, database, url), bus };
}

/** To change the account one needs the operator's key, and a user of the system account to tell the broker. */
function accountOf({ nats, dataDir }: Settings, logger: Logger) {
  const { account, operatorSeed, sysCredsFile } = nats;
  if (account === undefined || operatorSeed === undefined || sysCredsFile === undefined) {
    return undefined;
  }
  return brokerAccount({
    account,
    operatorSeed,
    connect: () => openSystemBus(nats, sysCredsFile, logger),
    file: join(dataDir, 'keys', 'nats-account.jwt'),
  });
}

/** Loaded where there is TLS. @throws {CertificateError} when the files cannot be used */
async function openTls({ tls }: Settings, logger: Logger): Promise<TlsFiles | undefined> {
  if (tls === undefined) return undefined;
  const { openTlsFiles } = await import('@opmas/keyring/certificates');
  const onFault = (error: Error) =>
    logger.error(
      { err: error },
      'the new certificate of HTTPS cannot be used; the one before stays',
    );
  return openTlsFiles({ cert: tls.cert, key: tls.key, ca: tls.clientCa }, { onFault });
}

/** The client of Redis is loaded where there is one: it is a tenth of a start. */
async function openCache(url: string | undefined, clock: Clock, logger: Logger): Promise<Cache> {
  if (url === undefined) return memoryCache(clock);
  const { redisCache } = await import('./platform/cache/redis.ts');
  return redisCache(url, logger);
}

async function openLimiter(
  url: string | undefined,
  clock: Clock,
  logger: Logger,
): Promise<RateLimiter> {
  if (url === undefined) return memoryLimiter(clock);
  const { redisLimiter } = await import('./platform/limiter/redis.ts');
  return redisLimiter({ url, clock, logger });
}

async function prepareSignIn(
  settings: Settings,
  { auth }: ReturnType<typeof createServices>,
  database: ReturnType<typeof openPostgres>,
  url: string,
): Promise<string | undefined> {
  const { adminPassword } = settings;
  if (adminPassword !== undefined) {
    await database.transaction((tx) => auth.signIn.ensureAdmin(tx, adminPassword));
  }
  const code = await database.transaction(async (tx) =>
    (await auth.signIn.needsSetup(tx))
      ? auth.signIn.acceptSetupCode(tx, await setupCode(settings.dataDir))
      : undefined,
  );
  return code === undefined ? undefined : `${url}/setup?code=${code}`;
}
