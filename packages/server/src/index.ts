/** The Agent Management System: what may start it inside another program. */
export { type App, type AppOptions, startApp } from './app.ts';
