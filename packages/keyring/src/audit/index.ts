/** The audit log as evidence: what is sealed, chained, vouched for and exported, and how it is verified. */
export { type ChainLink, type ChainPoint, nextLink, type Verdict } from './chain.ts';
export { auditKey, Checkpoint, isGenuine, signCheckpoint } from './checkpoint.ts';
export {
  ExportCheckpoint,
  ExportEnd,
  ExportEntry,
  ExportHeader,
  type ExportVerdict,
  verifyExport,
} from './export-file.ts';
export {
  type AuditRow,
  canonicalRow,
  commitment,
  hasSeal,
  type PersonalPart,
  rowSeal,
} from './row.ts';
export {
  type ChainEntry,
  createWalk,
  type Walk,
} from './walk.ts';
