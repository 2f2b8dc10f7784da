/** The features, wired to each other. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Keyring } from '@opmas/keyring';
import { createAccessService } from './features/access/index.ts';
import { agentFacts, allAgentFacts, createAgentsService } from './features/agents/index.ts';
import {
  checkpointFile,
  createAuditLog,
  createAuditService,
  createRefusals,
} from './features/audit/index.ts';
import {
  createAuthService,
  createTokens,
  PROVIDER_ID,
  TOTP_COLUMNS,
} from './features/auth/index.ts';
import {
  CONFIG_SECRETS,
  createConfigsService,
  createConfigUpkeep,
  createGroupsService,
} from './features/configs/index.ts';
import {
  type BrokerAccount,
  type CredentialsIssuer,
  createRevocations,
  createSlotsService,
} from './features/credentials/index.ts';
import { createDeliveriesService, Reports } from './features/deliveries/index.ts';
import { createDiscoveryService } from './features/discovery/index.ts';
import { createFindingsService, createProofs } from './features/findings/index.ts';
import { createJobsService } from './features/jobs/index.ts';
import { createLifecycleService } from './features/lifecycle/index.ts';
import { createPublishersService } from './features/packages/index.ts';
import { createRegistrationService } from './features/registration/index.ts';
import { createRulesCheck, createRulesService, createTrials } from './features/rules/index.ts';
import {
  CHAIN_COLUMN,
  createKeyChain,
  createRotation,
  createVault,
} from './features/secrets/index.ts';
import { createTelemetryService } from './features/telemetry/index.ts';
import { createTokensService } from './features/tokens/index.ts';
import type { Clock } from './kernel/clock.ts';
import { messageOf } from './kernel/errors.ts';
import type { AgentFacts } from './kernel/grants.ts';
import type { Ids } from './kernel/ids.ts';
import { limits } from './kernel/limits.ts';
import type { Logger } from './kernel/logger.ts';
import type { Measures } from './kernel/measures.ts';
import { agentsInReach, knownRules, rulesInForce, rulesOfAgents } from './known-rules.ts';
import type { Broker, Database, RecordedEvents } from './platform/ports.ts';
import type { Settings } from './settings.ts';

export interface ServicesOptions {
  settings: Settings;
  database: Database;
  broker: Broker;
  recorded: RecordedEvents;
  credentials: CredentialsIssuer;
  /** Undefined: nobody can be revoked on the broker before their credentials end. */
  brokerAccount: BrokerAccount | undefined;
  keyring: Keyring;
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
  const listeners = {
    fleet: () => undefined as void,
    outbox: () => undefined as void,
    keys: () => undefined as void,
    revocations: () => undefined as void,
    deliveries: () => undefined as void,
    jobs: () => undefined as void,
  };
  const fleetChanged = () => {
    listeners.fleet();
    listeners.outbox();
    listeners.revocations();
    listeners.deliveries();
  };

  const vault = createVault(options.keyring);
  const keyChain = createKeyChain({ database, vault, clock, ids });
  const rotation = createRotation({
    database,
    keyring: options.keyring,
    columns: [CHAIN_COLUMN, CONFIG_SECRETS, ...TOTP_COLUMNS],
    directory: join(settings.dataDir, 'keys'),
    // With a database of its own this server has no replicas.
    overlapMs: settings.embedded.includes('postgres') ? 0 : limits.masterKeyOverlapMs,
    clock,
    logger,
  });
  const tokens = createTokens(keyChain, clock);
  let facts: ReadonlyMap<string, AgentFacts> = new Map();
  const access = createAccessService({ database, clock });
  const { grantsOf, rolesNow } = access;
  const apiTokens = createTokensService({ database, clock, ids, grantsOf, rolesNow });
  const auth = createAuthService({
    database,
    tokens,
    clock,
    ids,
    localToken: options.localToken,
    vault,
    grantsOf,
    rolesNow,
    providers: settings.oidc === undefined ? [] : [{ id: PROVIDER_ID, name: settings.oidc.name }],
    tokenCaller: apiTokens.callerOf,
    tokenGrants: apiTokens.grantsNow,
  });
  const audit = createAuditLog({ keys: keyChain, clock });
  const checkpoints = checkpointFile(join(settings.dataDir, 'audit', 'checkpoints.ndjson'));
  const auditService = createAuditService({ keys: keyChain, file: checkpoints, clock, ids });
  const agents = createAgentsService({
    audit,
    clock,
    // Its tags say which groups it is in.
    relabelled: (db, id) => configs.relabel(db, id),
  });
  const revocations = createRevocations({
    database,
    account: options.brokerAccount,
    clock,
    logger,
  });
  const slots = createSlotsService({
    database,
    agents,
    audit,
    revocations,
    clock,
    onChange: fleetChanged,
  });
  const rulesCheck = createRulesCheck();
  const configs = createConfigsService({
    agents,
    rulesCheck,
    vault,
    agentsAreSeparate: settings.nats.accountSeed !== undefined,
    clock,
    ids,
    environment: settings.env,
    agentEnvironment,
    natsUrl: settings.nats.url,
  });
  const trials = createTrials();
  const rules = createRulesService({
    trials,
    recorded: options.recorded,
    inForce: rulesInForce(configs),
    agentsInReach: agentsInReach(agents),
    rulesOfAgents: rulesOfAgents(configs),
    clock,
  });
  const groups = createGroupsService({ configs, clock });
  const configReports = new Reports(() => clock.now());
  const deliveries = createDeliveriesService({ agents, reports: configReports, clock });
  const registration = createRegistrationService({
    audit,
    database,
    agents,
    configs,
    credentials,
    slots,
    revocations,
    enrollments: apiTokens,
    tokens,
    broker,
    clock,
    ids,
    logger,
    hostId,
    onAgent: fleetChanged,
  });
  const telemetry = createTelemetryService({ database, agents, clock });
  const lifecycle = createLifecycleService({
    database,
    agents,
    registration,
    audit,
    onPackageAltered: () => discovery.judgeAgain(),
    slots,
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
    proofs: createProofs({
      trials,
      recorded: options.recorded,
      rulesOf: knownRules({ agents, configs }),
    }),
    onRecorded: (count) => {
      measures.findings(count);
      listeners.outbox();
    },
  });
  const jobs = createJobsService({ configs, audit, clock, ids });
  const refusals = createRefusals({ audit, database, logger });
  const discovery = createDiscoveryService({
    database,
    directory: settings.agentsDir,
    storeDirectory: join(settings.dataDir, 'packages'),
    approval: settings.discoveryApproval,
    signatures: settings.packageSignatures,
    audit,
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
    vault,
    keyChain,
    rotation,
    keysChanged: () => listeners.keys(),
    audit,
    auditService,
    checkpoints,
    refusals,
    access,
    rolesChanged: access.sync,
    factsOf: (agentId: string) => facts.get(agentId),
    /** Takes over tags and types of every agent, for what must not ask the database. */
    syncFacts: async () => {
      facts = new Map((await allAgentFacts(database.pool)).map((each) => [each.id, each]));
    },
    agentFacts: (agentId: string) => agentFacts(database.pool, agentId),
    tokens: apiTokens,
    auth,
    agents,
    revocations,
    slots,
    configs,
    groups,
    rules,
    rulesCheck,
    configUpkeep: createConfigUpkeep({
      database,
      configs,
      audit,
      pushConfig: () => listeners.deliveries(),
      logger,
    }),
    registration,
    telemetry,
    lifecycle,
    findings,
    discovery,
    packages: discovery,
    publishers: { ...createPublishersService({ clock }), changed: () => discovery.judgeAgain() },
    ignorePackage: (path: string) => later('package not ignored', () => discovery.ignore(path)),
    configReports,
    deliveries,
    deliveriesChanged: () => listeners.deliveries(),
    jobs,
    jobsChanged: () => listeners.jobs(),
    /** What changed is seen in the database: it is told by the one server that delivers. */
    pushConfig: () => listeners.deliveries(),
    removeConsumers: (name: string) =>
      later('consumers not removed', () => broker.removeConsumers(name, [])),
  };
}

function versionOf(packageJson: string): string {
  const { version } = JSON.parse(readFileSync(packageJson, 'utf8')) as { version: string };
  return version;
}
