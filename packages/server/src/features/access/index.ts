export { accessOperations } from './access.operations.ts';
export { type AccessService, createAccessService, type RoleView } from './access.service.ts';
export { BUILT_IN, type Role } from './roles.ts';
