export { lifecycleOperations } from './lifecycle.operations.ts';
export { createLifecycleService, type LifecycleService } from './lifecycle.service.ts';
export { trimActions } from './lifecycle.store.ts';
