/** What others may import of discovery. */

export {
  createDiscoveryService,
  type DiscoveryOptions,
  type DiscoveryService,
} from './discovery.service.ts';
export type { DiscoveryEvents, Entry, ReadyPackage } from './discovery.ts';
