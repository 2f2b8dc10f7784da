export { authOperations } from './auth.operations.ts';
export { ANONYMOUS, type AuthService, createAuthService } from './auth.service.ts';
export { deleteExpiredSessions } from './auth.store.ts';
export { covers, mayDo, ROLES } from './roles.ts';
export {
  ACCESS_SECONDS,
  AGENT_SECONDS,
  type Claims,
  createTokens,
  type Tokens,
  unauthenticated,
} from './tokens.ts';
