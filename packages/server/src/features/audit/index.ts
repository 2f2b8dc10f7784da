export { type AuditEntry, recordAudit, SYSTEM } from './audit.store.ts';
export { createRefusals, type Refusals } from './refusals.ts';
