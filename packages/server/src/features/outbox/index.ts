export { addToOutbox } from './outbox.store.ts';
export { startRelay } from './relay.ts';
