/** Certificates: an own authority, what it signs, and what listeners do with them. */

export { dataKeyring } from '../data-keyring.ts';
export {
  createAuthority,
  issueCertificate,
  type LeafRequest,
  type Pair,
  type Usage,
} from './authority.ts';
export { type AuthorityFiles, authorityFiles } from './authority-files.ts';
export { ASK_CLIENTS, requireClientCertificates } from './client-rule.ts';
export {
  type CertificateInfo,
  describeCertificate,
  parseCertificate,
  splitPem,
  standsFor,
} from './describe.ts';
export { CertificateError, type CertificateFault } from './errors.ts';
export { certificateLimits } from './limits.ts';
export { isDnsName, type Names, namesOf } from './names.ts';
export {
  CertificateStore,
  type IssuedFiles,
  type Listed,
  type StoreOptions,
  type Wanted,
} from './store.ts';
export { openTlsFiles, readTlsFiles, type TlsFiles, type TlsPaths } from './tls-files.ts';
