/** Every operation of the API, in one place: the readable index of what OPMAS can be asked. */
import { type AgentsService, agentsOperations } from './features/agents/index.ts';
import { type AuthService, authOperations } from './features/auth/index.ts';
import {
  type ConfigAnswer,
  type ConfigsService,
  configsOperations,
} from './features/configs/index.ts';
import { type EventsPort, eventsOperations } from './features/events/index.ts';
import { type FindingsService, findingsOperations } from './features/findings/index.ts';
import { type LifecycleService, lifecycleOperations } from './features/lifecycle/index.ts';
import { type PackagesPort, packagesOperations } from './features/packages/index.ts';
import { type RegistrationService, registrationOperations } from './features/registration/index.ts';
import { type TelemetryService, telemetryOperations } from './features/telemetry/index.ts';
import type { Operation } from './operation.ts';

export interface Services {
  agents: AgentsService;
  auth: AuthService;
  configs: ConfigsService;
  events: EventsPort;
  findings: FindingsService;
  lifecycle: LifecycleService;
  packages: PackagesPort;
  registration: RegistrationService;
  telemetry: TelemetryService;
  pushConfig: (agentName: string, answer: ConfigAnswer) => void;
  ignorePackage: (path: string) => void;
  removeConsumers: (agentName: string) => void;
}

export function allOperations(services: Services): Operation[] {
  return [
    ...authOperations(services.auth),
    ...agentsOperations(services.agents),
    ...registrationOperations(services.registration),
    ...lifecycleOperations({
      lifecycle: services.lifecycle,
      ignorePackage: services.ignorePackage,
      removeConsumers: services.removeConsumers,
    }),
    ...configsOperations(services),
    ...telemetryOperations(services.telemetry),
    ...findingsOperations(services.findings),
    ...packagesOperations(services.packages),
    ...eventsOperations(services.events),
  ];
}
