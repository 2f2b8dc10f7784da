/** An audit log over a real, migrated database, for tests: application role, owner, and both in the hands of an attacker. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestDatabase, testPostgres } from '@opmas/testkit';
import type { Clock } from '../../../kernel/clock.ts';
import { systemIds } from '../../../kernel/ids.ts';
import { silentLogger } from '../../../kernel/logger.ts';
import { openPostgres } from '../../../platform/database/postgres.ts';
import type { Database, KeyChain } from '../../../platform/ports.ts';
import { migratedDatabase } from '../../../testing/database.ts';
import { type AuditService, createAuditService } from '../audit.service.ts';
import { type AuditLog, createAuditLog } from '../audit-log.ts';
import { type CheckpointFile, checkpointFile } from '../checkpoint-file.ts';
import type { AuditEntry } from '../entry.ts';
import { createSealer, type Sealer, type SealerLease } from '../sealer.ts';

export interface AuditBench {
  test: TestDatabase;
  /** As the application's role. */
  database: Database;
  /** As the owner of every table: what the application's role may not do. */
  owner: Database;
  keys: KeyChain;
  audit: AuditLog;
  service: AuditService;
  file: CheckpointFile;
  checkpointPath: string;
  clock: Clock & { advance(ms: number): void };
  sealer(lease?: SealerLease): Sealer;
  /** Adds `count` rows of a user, and chains them. */
  fill(count: number): Promise<void>;
  stop(): Promise<void>;
}

export const ALWAYS: SealerLease = { held: () => true, epoch: () => 1, guard: async () => true };

export function memoryKeys(): KeyChain {
  const key = (id: string, byte: number) => [
    { id, bytes: new Uint8Array(32).fill(byte), createdAt: 0 },
  ];
  const chain = {
    'access-token': key('access', 1),
    'audit-seal': key('seal', 2),
    'audit-checkpoint': key('sign', 3),
  };
  return { keys: async (name) => chain[name] };
}

export function entry(given: Partial<AuditEntry> = {}): AuditEntry {
  return {
    caller: { kind: 'user', id: '7a7a7a7a-0000-4000-8000-000000000001', name: 'alice' },
    action: 'configs.put',
    object: 'security-1',
    outcome: 'ok',
    details: { version: 2 },
    before: { processing: { batch_size: 10 } },
    after: { processing: { batch_size: 20 } },
    remote: '192.0.2.7',
    userAgent: 'curl/8.1',
    requestId: 'r-1',
    ...given,
  };
}

export async function auditBench(): Promise<AuditBench> {
  const postgres = await testPostgres();
  const test = await migratedDatabase(postgres);
  const logger = silentLogger;
  const database = openPostgres({ url: test.url, logger });
  const owner = openPostgres({ url: test.migrateUrl, logger, connections: 2 });
  const directory = mkdtempSync(join(tmpdir(), 'opmas-audit-'));
  const checkpointPath = join(directory, 'audit', 'checkpoints.ndjson');
  let now = Date.UTC(2026, 0, 1);
  const clock = {
    now: () => now,
    monotonic: () => now,
    advance: (ms: number) => {
      now += ms;
    },
  };
  const keys = memoryKeys();
  const audit = createAuditLog({ keys, clock });
  const file = checkpointFile(checkpointPath);
  const sealer = (lease = ALWAYS) =>
    createSealer({ database, audit, keys, file, lease, clock, logger });
  const own = sealer();
  return {
    test,
    database,
    owner,
    keys,
    audit,
    service: createAuditService({ keys, file, clock, ids: systemIds }),
    file,
    checkpointPath,
    clock,
    sealer,
    fill: async (count) => {
      for (let number = 0; number < count; number += 1) {
        clock.advance(1);
        await database.transaction((tx) =>
          audit.record(tx, entry({ object: `agent-${number}`, requestId: `r-${number}` })),
        );
      }
      await own.seal();
    },
    stop: async () => {
      await database.close();
      await owner.close();
      await test.drop();
      await postgres.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}
