/** A sealer as a process of its own, to be killed: arguments are the database's address and the checkpoint file. */
import { systemClock } from '../../../kernel/clock.ts';
import { silentLogger } from '../../../kernel/logger.ts';
import { startLoop } from '../../../kernel/loop.ts';
import { openPostgres } from '../../../platform/database/postgres.ts';
import { holdLease } from '../../leases/index.ts';
import { createAuditLog } from '../audit-log.ts';
import { checkpointFile } from '../checkpoint-file.ts';
import { createSealer } from '../sealer.ts';
import { memoryKeys } from './bench.ts';

const [url = '', path = ''] = process.argv.slice(2);
const logger = silentLogger;
const database = openPostgres({ url, logger, connections: 3 });
const keys = memoryKeys();
const lease = holdLease({ database, name: 'audit', holder: String(process.pid), logger });
const sealer = createSealer({
  database,
  audit: createAuditLog({ keys, clock: systemClock }),
  keys,
  file: checkpointFile(path),
  lease,
  clock: systemClock,
  logger,
});
startLoop({ name: 'seal', intervalMs: 20, logger, task: () => sealer.seal() });
