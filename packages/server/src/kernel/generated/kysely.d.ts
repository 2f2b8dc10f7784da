/** Types of the bundle; `scripts/bundle-libraries.ts` makes the file beside. */
export { Kysely, PostgresDialect, sql } from 'kysely';
