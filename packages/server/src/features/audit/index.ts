export { auditOperations } from './audit.operations.ts';
export { type AuditService, createAuditService } from './audit.service.ts';
export { type AuditLog, createAuditLog } from './audit-log.ts';
export { type CheckpointFile, checkpointFile } from './checkpoint-file.ts';
export { type AuditEntry, SYSTEM } from './entry.ts';
export { createRefusals, type Refusals } from './refusals.ts';
export { createSealer, type Sealer } from './sealer.ts';
