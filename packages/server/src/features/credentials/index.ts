export type { CredentialsIssuer } from './credentials.ts';
