export { createDeliverer, type Deliverer, type DelivererOptions } from './deliverer.ts';
export { deliveriesOperations } from './deliveries.operations.ts';
export { createDeliveriesService, type DeliveriesService } from './deliveries.service.ts';
export { trimInstances } from './deliveries.store.ts';
export type { DeliveryState } from './delivery.ts';
export { Reports } from './reports.ts';
