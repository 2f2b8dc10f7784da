/** The composition: platform → features → doors; started here, stopped in reverse. No environment, no exit. */

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Bus } from '@opmas/bus';
import { followRouting } from '@opmas/ingest';
import { receiveEverything } from './doors/nats/index.ts';
import { createHttp } from './doors/rest/server.ts';
import { createFeed } from './doors/ws/feed.ts';
import { healthReporter } from './health.ts';
import { createInvoke } from './invoke.ts';
import type { Clock } from './kernel/clock.ts';
import type { Ids } from './kernel/ids.ts';
import type { Logger } from './kernel/logger.ts';
import { localToken, masterKey, serverId, setupCode } from './keys.ts';
import { allOperations } from './operations.ts';
import { openBus } from './platform/broker/connect.ts';
import { credentialsIssuer } from './platform/broker/credentials.ts';
import { eventsGate } from './platform/broker/events.ts';
import { natsBroker } from './platform/broker/nats.ts';
import { memoryCache } from './platform/cache/memory.ts';
import { migrate } from './platform/database/migrate.ts';
import { openPostgres } from './platform/database/postgres.ts';
import { createMeasures } from './platform/measures.ts';
import type { Cache } from './platform/ports.ts';
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
    for (const step of stops.splice(0).reverse()) await step();
  };
  try {
    return { ...(await compose(options, (step) => void stops.push(step))), stop };
  } catch (error) {
    await stop();
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
    credentials: credentialsIssuer({
      url: settings.nats.url,
      accountSeed: settings.nats.accountSeed,
      account: settings.nats.account,
      clock,
    }),
    masterKey: await masterKey(settings.masterKeyFile),
    localToken: await localToken(dataDir),
    sdkPackage: SDK,
    measures,
    clock,
    ids,
    logger,
    managementUrl: () => url,
  });
  const { auth } = services;
  const feed = createFeed({ auth, logger });
  onStop(() => feed.close());
  const invoke = createInvoke({
    database,
    auth,
    logger,
    refusals: services.refusals,
    afterWrite: services.fleetChanged,
    measure: measures.call,
  });
  const http = await createHttp({
    operations: allOperations({ ...services, events }),
    invoke,
    feed,
    health: {
      report: healthReporter({ database, bus, settings }),
      metrics: () => measures.text(),
      metricsToken: settings.metricsToken,
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
      feed,
      database,
      clock,
      logger,
      measures,
      serverId: await serverId(dataDir),
    }),
  );
  await http.listen({ host: settings.http.host, port: settings.http.port });
  url = addressOf(http.server.address(), settings.http.host);
  onStop(
    startTasks({
      services,
      database,
      broker,
      bus,
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

/** The client of Redis is loaded where there is one: it is a tenth of a start. */
async function openCache(url: string | undefined, clock: Clock, logger: Logger): Promise<Cache> {
  if (url === undefined) return memoryCache(clock);
  const { redisCache } = await import('./platform/cache/redis.ts');
  return redisCache(url, logger);
}

async function prepareSignIn(
  settings: Settings,
  { auth }: ReturnType<typeof createServices>,
  database: ReturnType<typeof openPostgres>,
  url: string,
): Promise<string | undefined> {
  const { adminPassword } = settings;
  if (adminPassword !== undefined) {
    await database.transaction((tx) => auth.ensureAdmin(tx, adminPassword));
  }
  const code = await database.transaction(async (tx) =>
    (await auth.setupNeeded(tx))
      ? auth.acceptSetupCode(tx, await setupCode(settings.dataDir))
      : undefined,
  );
  return code === undefined ? undefined : `${url}/setup?code=${code}`;
}

function addressOf(address: unknown, host: string): string {
  const port =
    typeof address === 'object' && address !== null ? (address as { port: number }).port : 0;
  const shown = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${shown.includes(':') ? `[${shown}]` : shown}:${port}`;
}
