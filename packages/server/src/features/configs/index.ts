export { configsOperations } from './configs.operations.ts';
export { type ConfigAnswer, type ConfigsService, createConfigsService } from './configs.service.ts';
export { environmentFaults } from './layers.ts';
