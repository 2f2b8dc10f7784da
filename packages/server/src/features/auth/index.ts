import { accountOperations } from './account.operations.ts';
import { authOperations as signInOperations } from './auth.operations.ts';
import type { AuthService } from './auth.service.ts';
import { usersOperations } from './users.operations.ts';

export const authOperations = (auth: AuthService) => [
  ...signInOperations(auth),
  ...accountOperations(auth),
  ...usersOperations(auth),
];
export { clientOf } from './auth.operations.ts';
export { ANONYMOUS, type AuthService, createAuthService, PROVIDER_ID } from './auth.service.ts';
export { TOTP_COLUMNS } from './second-factor.ts';
export { IDLE_MS, type Pair } from './sessions.service.ts';
export {
  ACCESS_SECONDS,
  AGENT_SECONDS,
  type Claims,
  createTokens,
  type Tokens,
  unauthenticated,
} from './tokens.ts';
