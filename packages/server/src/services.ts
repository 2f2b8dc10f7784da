/** The features, wired to each other. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createAgentsService } from './features/agents/index.ts';
import { createRefusals } from './features/audit/index.ts';
import { createAuthService, createTokens } from './features/auth/index.ts';
import { type ConfigAnswer, createConfigsService } from './features/configs/index.ts';
import type { CredentialsIssuer } from './features/credentials/index.ts';
import { createDiscoveryService } from './features/discovery/index.ts';
import { createFindingsService } from './features/findings/index.ts';
import { createLifecycleService } from './features/lifecycle/index.ts';
import { createRegistrationService } from './features/registration/index.ts';
import { createTelemetryService } from './features/telemetry/index.ts';
import type { Clock } from './kernel/clock.ts';
import { messageOf } from './kernel/errors.ts';
import type { Ids } from './kernel/ids.ts';
import type { Logger } from './kernel/logger.ts';
import type { Measures } from './kernel/measures.ts';
import type { Broker, Database } from './platform/ports.ts';
import type { Settings } from './settings.ts';

export interface ServicesOptions {
  settings: Settings;
  database: Database;
  broker: Broker;
  credentials: CredentialsIssuer;
  masterKey: Uint8Array;
  localToken: string;
  /** Path of the SDK's package.json: its version is what packages may depend on. */
  sdkPackage: string;
  measures: Measures;
  clock: Clock;
  ids: Ids;
  logger: Logger;
  managementUrl: () => string;
}

export type Services = ReturnType<typeof createServices>;

export function createServices(options: ServicesOptions) {
  const { settings, database, broker, credentials, clock, ids, logger, measures } = options;
  const { hostId, agentEnvironment } = settings;
  /** Loops that want to know of changes put their poke here. */
  const listeners = { fleet: () => undefined as void, outbox: () => undefined as void };
  const fleetChanged = () => {
    listeners.fleet();
    listeners.outbox();
  };

  const tokens = createTokens(options.masterKey, clock);
  const auth = createAuthService({ database, tokens, clock, ids, localToken: options.localToken });
  const agents = createAgentsService({ clock });
  const configs = createConfigsService({
    agents,
    clock,
    ids,
    agentEnvironment,
    natsUrl: settings.nats.url,
  });
  const registration = createRegistrationService({
    database,
    agents,
    configs,
    credentials,
    tokens,
    broker,
    clock,
    ids,
    hostId,
    onAgent: fleetChanged,
  });
  const telemetry = createTelemetryService({ database, agents, clock });
  const lifecycle = createLifecycleService({
    database,
    agents,
    registration,
    broker,
    clock,
    ids,
    logger,
    hostId,
    managementUrl: options.managementUrl,
    agentEnvironment,
  });
  const findings = createFindingsService({
    database,
    clock,
    onRecorded: (count) => {
      measures.findings(count);
      listeners.outbox();
    },
  });
  const refusals = createRefusals({ database, logger });
  const discovery = createDiscoveryService({
    database,
    directory: settings.agentsDir,
    storeDirectory: join(settings.dataDir, 'packages'),
    approval: settings.discoveryApproval,
    sdkVersion: versionOf(options.sdkPackage),
    clock,
    logger,
    events: {
      packageReady: (pkg) => registration.packageReady(pkg),
      packageGone: (agentId) => registration.packageGone(agentId),
    },
  });
  /** What follows a commit and may fail without undoing it: logged, and healed by the next reconciliation. */
  const later = (what: string, work: () => Promise<void>) => {
    work().catch((error: unknown) => logger.warn({ err: messageOf(error) }, what));
  };
  return {
    listeners,
    fleetChanged,
    refusals,
    auth,
    agents,
    configs,
    registration,
    telemetry,
    lifecycle,
    findings,
    discovery,
    packages: discovery,
    ignorePackage: (path: string) => later('package not ignored', () => discovery.ignore(path)),
    /** The consumers of its topics exist before the agent hears of them. */
    pushConfig: (name: string, answer: ConfigAnswer) =>
      later('configuration not pushed', async () => {
        await broker.ensureConsumers(name, topicsOf(answer));
        broker.control(name, configs.pushMessage(answer));
      }),
    removeConsumers: (name: string) =>
      later('consumers not removed', () => broker.removeConsumers(name, [])),
  };
}

function topicsOf({ config }: ConfigAnswer): string[] {
  const topics = config['subscribed_topics'];
  return Array.isArray(topics) ? topics.filter((topic) => typeof topic === 'string') : [];
}

function versionOf(packageJson: string): string {
  const { version } = JSON.parse(readFileSync(packageJson, 'utf8')) as { version: string };
  return version;
}
