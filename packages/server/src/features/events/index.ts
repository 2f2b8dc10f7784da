export { type EventsPort, eventsOperations, type ReadBody } from './events.operations.ts';
