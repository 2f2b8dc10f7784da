/** Every operation of the API, in one place: the readable index of what OPMAS can be asked. */
import { type AccessService, accessOperations } from './features/access/index.ts';
import { type AgentsService, agentsOperations } from './features/agents/index.ts';
import { type AuditLog, type AuditService, auditOperations } from './features/audit/index.ts';
import { type AuthService, authOperations } from './features/auth/index.ts';
import {
  type ConfigsService,
  configsOperations,
  type GroupsService,
} from './features/configs/index.ts';
import { credentialsOperations, type SlotsService } from './features/credentials/index.ts';
import { type DeliveriesService, deliveriesOperations } from './features/deliveries/index.ts';
import { type EventsPort, eventsOperations } from './features/events/index.ts';
import { type FindingsService, findingsOperations } from './features/findings/index.ts';
import { type JobsService, jobsOperations } from './features/jobs/index.ts';
import { type LifecycleService, lifecycleOperations } from './features/lifecycle/index.ts';
import {
  type PackagesPort,
  type PublishersPort,
  packagesOperations,
  publishersOperations,
} from './features/packages/index.ts';
import { type RegistrationService, registrationOperations } from './features/registration/index.ts';
import { type RulesService, rulesOperations } from './features/rules/index.ts';
import { type Rotation, type ServerKeyChain, secretsOperations } from './features/secrets/index.ts';
import { type TelemetryService, telemetryOperations } from './features/telemetry/index.ts';
import { type TokensService, tokensOperations } from './features/tokens/index.ts';
import type { AgentFacts } from './kernel/grants.ts';
import type { Operation } from './operation.ts';

export interface Services {
  access: AccessService;
  agents: AgentsService;
  audit: AuditLog;
  auditService: AuditService;
  auth: AuthService;
  configs: ConfigsService;
  deliveries: DeliveriesService;
  deliveriesChanged: () => void;
  events: EventsPort;
  findings: FindingsService;
  groups: GroupsService;
  jobs: JobsService;
  jobsChanged: () => void;
  lifecycle: LifecycleService;
  packages: PackagesPort;
  publishers: PublishersPort;
  registration: RegistrationService;
  rules: RulesService;
  slots: SlotsService;
  rotation: Rotation;
  keyChain: ServerKeyChain;
  keysChanged: () => void;
  telemetry: TelemetryService;
  tokens: TokensService;
  agentFacts: (agentId: string) => Promise<AgentFacts | undefined>;
  rolesChanged: () => Promise<void>;
  pushConfig: () => void;
  ignorePackage: (path: string) => void;
  removeConsumers: (agentName: string) => void;
}

export function allOperations(services: Services): Operation[] {
  return [
    ...authOperations(services.auth),
    ...accessOperations(services),
    ...tokensOperations(services.tokens),
    ...agentsOperations(services.agents),
    ...registrationOperations(services.registration),
    ...credentialsOperations(services),
    ...lifecycleOperations({
      lifecycle: services.lifecycle,
      ignorePackage: services.ignorePackage,
      removeConsumers: services.removeConsumers,
    }),
    ...configsOperations(services),
    ...deliveriesOperations(services),
    ...jobsOperations(services),
    ...rulesOperations(services.rules),
    ...telemetryOperations(services.telemetry),
    ...findingsOperations(services.findings),
    ...packagesOperations(services.packages),
    ...publishersOperations(services.publishers),
    ...secretsOperations(services),
    ...eventsOperations(services.events),
    ...auditOperations(services),
  ];
}

/** Operations as they are described; whatever asks one to run gets nothing. For documentation and tests. */
export function operationTable(): Operation[] {
  const nothing: object = new Proxy(() => undefined, { get: () => nothing });
  return allOperations(nothing as Services);
}
