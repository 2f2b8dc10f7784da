/** Test helper process: PostgreSQL on a data folder; prints the postmaster's pid and waits to be killed. */
import { embeddedPostgres } from '../postgres/embedded-postgres.ts';

const postgres = await embeddedPostgres({ dataDir: process.argv[2] ?? '', durable: false });
process.stdout.write(`${postgres.pid()}\n`);
