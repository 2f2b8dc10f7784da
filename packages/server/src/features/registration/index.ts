export { registrationOperations } from './registration.operations.ts';
export {
  createRegistrationService,
  type ReadyPackage,
  type RegistrationService,
} from './registration.service.ts';
export { deleteExpired as deleteExpiredTokens } from './registration.store.ts';
