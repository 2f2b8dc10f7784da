/**
 * The query builder. It comes as one file, because its 255 modules cost a starting server 250 ms and
 * 13 MB; its types are its own.
 */
export { Kysely, PostgresDialect, sql } from './generated/kysely.js';
