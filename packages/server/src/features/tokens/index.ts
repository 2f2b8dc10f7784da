export { tokensOperations } from './tokens.operations.ts';
export {
  createTokensService,
  type Enrollment,
  isEnrollmentToken,
  type TokensService,
  type TokenView,
} from './tokens.service.ts';
