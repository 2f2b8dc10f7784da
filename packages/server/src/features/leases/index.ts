export { holdLease, type Lease } from './leases.ts';
