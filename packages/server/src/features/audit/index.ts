export { type AuditEntry, recordAudit, SYSTEM } from './audit.store.ts';
