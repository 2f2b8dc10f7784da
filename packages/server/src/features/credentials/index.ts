export { credentialsOperations } from './credentials.operations.ts';
export type { AccountClaims, BrokerAccount, CredentialsIssuer, Issued } from './credentials.ts';
export { createRevocations, type RevocationState, type Revocations } from './revocations.ts';
export { createSlotsService, type SlotsService } from './slots.service.ts';
