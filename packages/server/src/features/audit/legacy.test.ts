/** Rows from before there were seals are chained like others, and nothing newer passes for one of them. */
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { testPostgres } from '@opmas/testkit';
import { expect, test } from 'vitest';
import { systemClock } from '../../kernel/clock.ts';
import { systemIds } from '../../kernel/ids.ts';
import { silentLogger as logger } from '../../kernel/logger.ts';
import { sql } from '../../kernel/sql.ts';
import { migrate } from '../../platform/database/migrate.ts';
import { openPostgres } from '../../platform/database/postgres.ts';
import { createAuditService } from './audit.service.ts';
import { createAuditLog } from './audit-log.ts';
import { checkpointFile } from './checkpoint-file.ts';
import { createSealer } from './sealer.ts';
import { ALWAYS, entry, memoryKeys } from './testing/bench.ts';

const MIGRATIONS = fileURLToPath(new URL('../../../migrations', import.meta.url));

test('rows of an older version are kept, chained, erasable; a newer one without a seal is tampered', async () => {
  const postgres = await testPostgres();
  const fresh = await postgres.freshDatabase();
  const directory = mkdtempSync(join(tmpdir(), 'opmas-legacy-'));
  const owner = openPostgres({ url: fresh.migrateUrl, logger });
  const database = openPostgres({ url: fresh.url, logger });
  try {
    const older = ['0001_schema.sql', '0002_partitions.sql'];
    for (const name of older) copyFileSync(join(MIGRATIONS, name), join(directory, name));
    // As the owner, because what the application may do is granted by the newest version alone.
    await migrate({ url: fresh.migrateUrl, applicationUrl: fresh.migrateUrl, directory, logger });
    await sql`INSERT INTO audit_log (actor_kind, actor, action, object, outcome, remote, request_id) VALUES
      ('user', ${'al"i\\ce\u0001'}, 'auth.login', 'x', 'ok', '192.0.2.1', 'r'),
      ('local', 'opmas', 'agents.transition', 'a', 'ok', NULL, NULL),
      ('anonymous', 'anonymous', 'auth.login', 'b', 'refused', '192.0.2.2', NULL)`.execute(
      owner.pool,
    );
    await migrate({
      url: fresh.migrateUrl,
      applicationUrl: fresh.url,
      directory: MIGRATIONS,
      logger,
    });

    const keys = memoryKeys();
    const clock = systemClock;
    const audit = createAuditLog({ keys, clock });
    const file = checkpointFile(join(directory, 'checkpoints.ndjson'));
    const service = createAuditService({ keys, file, clock, ids: systemIds });
    const sealer = createSealer({ database, audit, keys, file, lease: ALWAYS, clock, logger });
    await database.transaction((tx) => audit.record(tx, entry()));
    await sealer.seal();
    expect(await service.verify(database.pool, undefined)).toMatchObject({ fault: null, total: 4 });
    const { items } = await service.list(database.pool, {});
    expect(items.map(({ actor, remote }) => [actor, remote])).toEqual([
      ['alice', '192.0.2.7'],
      ['anonymous', '192.0.2.2'],
      ['opmas', null],
      ['al"i\\ce\u0001', '192.0.2.1'],
    ]);

    await sql`UPDATE audit_log SET hmac = NULL, key_id = NULL WHERE id = 4`.execute(owner.pool);
    await sql`DELETE FROM audit_chain WHERE seq = 4`.execute(owner.pool);
    await sql`DELETE FROM audit_checkpoints`.execute(owner.pool);
    await sql`INSERT INTO audit_unsealed VALUES (4)`.execute(owner.pool);
    const again = createSealer({ database, audit, keys, file, lease: ALWAYS, clock, logger });
    await sql`UPDATE audit_log SET at = now() - interval '1 hour' WHERE id = 4`.execute(owner.pool);
    await again.seal();
    expect((await service.verify(database.pool, undefined)).fault).toMatchObject({
      kind: 'row_changed',
      seq: 4,
      audit_id: 4,
    });
  } finally {
    await database.close();
    await owner.close();
    await fresh.drop();
    await postgres.stop();
    rmSync(directory, { recursive: true, force: true });
  }
});
