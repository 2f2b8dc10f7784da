export { findingsOperations } from './findings.operations.ts';
export { createFindingsService, type FindingsService } from './findings.service.ts';
export { FINDING_EVENT, type ReceivedFinding, trimKeys } from './findings.store.ts';
export { createProofs, type KnownRules } from './proof.ts';
