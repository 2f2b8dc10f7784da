/** Chains what was committed, one server at a time, and vouches for it outside the database. */
import {
  type AuditRow,
  type ChainLink,
  hasSeal,
  nextLink,
  signCheckpoint,
  type Verdict,
} from '@opmas/keyring';
import { type Clock, timestamp } from '../../kernel/clock.ts';
import { messageOf } from '../../kernel/errors.ts';
import { limits } from '../../kernel/limits.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { Database, Executor, KeyChain } from '../../platform/ports.ts';
import type { AuditLog } from './audit-log.ts';
import * as store from './chain.store.ts';
import type { CheckpointFile } from './checkpoint-file.ts';
import { SYSTEM } from './entry.ts';

/** A key of the seals that one server uses is known to all of them by then. */
const KEY_NEWS_MS = 60_000;

export interface SealerLease {
  held(): boolean;
  epoch(): number;
  /** True only when this holder's epoch is in force, and then until the transaction ends. */
  guard(db: Executor): Promise<boolean>;
}

export interface Sealer {
  /** Chains everything that waits, if this server is the one to do it; then maybe a checkpoint. */
  seal(): Promise<void>;
  /** Before this server stops: what waits is chained and vouched for. */
  finish(): Promise<void>;
}

export function createSealer(options: {
  database: Database;
  audit: AuditLog;
  keys: KeyChain;
  file: CheckpointFile;
  lease: SealerLease;
  clock: Clock;
  logger: Logger;
}): Sealer {
  const { database, audit, keys, file, lease, clock, logger } = options;
  /** How far the chain goes, and how far it is vouched for; undefined until this server is the one. */
  let reach: { tail: number; covered: number } | undefined;
  /** When the first link was added that none vouches for; by the monotonic clock. */
  let uncoveredSince: number | undefined;

  async function verdictOf(
    row: AuditRow | undefined,
    unsignedUpTo: number,
  ): Promise<Verdict | 'wait'> {
    if (row === undefined) return 'missing';
    if (row.key_id === null && row.id <= unsignedUpTo) return 'unsigned';
    const key = (await keys.keys('audit-seal')).find((each) => each.id === row.key_id);
    if (key !== undefined) return hasSeal(row, key.bytes) ? 'sealed' : 'tampered';
    // Another server may know a newer key; this one will have heard of it soon.
    return Math.abs(clock.now() - Date.parse(row.at)) < KEY_NEWS_MS ? 'wait' : 'tampered';
  }

  async function report(db: Executor, object: string, details: Record<string, unknown>) {
    logger.error({ object, ...details }, 'the audit log was tampered with');
    await audit.record(db, {
      caller: SYSTEM,
      action: 'audit.tampered',
      object,
      outcome: 'failed',
      details,
    });
  }

  /** One transaction: links and queue change together, and only under the lease. @returns links added */
  async function batch(room: number): Promise<number> {
    const epoch = lease.epoch();
    return database.transaction(async (tx) => {
      if (!(await lease.guard(tx))) return 0;
      const ids = await store.unsealedIds(tx, Math.min(limits.sealBatch, room));
      if (ids.length === 0) return 0;
      const rows = await store.rowsById(tx, ids);
      const { unsignedUpTo } = await store.beginning(tx);
      const links: ChainLink[] = [];
      let tail = await store.chainTail(tx);
      for (const id of ids) {
        const row = rows.get(id);
        const verdict = await verdictOf(row, unsignedUpTo);
        if (verdict === 'wait') continue;
        const link = nextLink(tail, { audit_id: id, verdict, row });
        if (verdict === 'tampered' || verdict === 'missing') {
          await report(tx, String(id), { verdict, seq: link.seq });
        }
        links.push(link);
        tail = link;
      }
      if (links.length > 0) await store.appendLinks(tx, links, epoch);
      return links.length;
    });
  }

  async function vouch(): Promise<number> {
    const tail = await store.chainTail(database.pool);
    const last = await store.lastCheckpoint(database.pool);
    uncoveredSince = undefined;
    if (tail.seq <= (last?.seq ?? 0)) return tail.seq;
    const [key] = await keys.keys('audit-checkpoint');
    if (key === undefined) throw new Error('there is no key to sign checkpoints with');
    const { hash: chain } = await store.beginning(database.pool);
    const time = timestamp(clock.now());
    const checkpoint = signCheckpoint({ chain, ...tail, count: tail.seq, time }, key);
    // The file first: what the table has and the file has not would be no witness.
    await file.append(checkpoint);
    await store.insertCheckpoint(database.pool, checkpoint);
    return tail.seq;
  }

  /** Who takes over looks whether the chain is still the one that was vouched for here. */
  async function takeOver(): Promise<{ tail: number; covered: number }> {
    const { furthest } = await file.read(1, 0);
    if (furthest !== undefined) {
      const found = await store.chainPoint(database.pool, furthest.seq);
      if (found?.hash !== furthest.hash) {
        await report(database.pool, 'chain', { checkpoint: furthest.seq });
      }
    }
    const seq = await vouch();
    return { tail: seq, covered: seq };
  }

  async function seal(): Promise<void> {
    if (!lease.held()) {
      reach = undefined;
      return;
    }
    reach ??= await takeOver();
    for (;;) {
      const added = await batch(limits.checkpointRows - (reach.tail - reach.covered));
      if (added > 0) uncoveredSince ??= clock.monotonic();
      reach.tail += added;
      const late =
        uncoveredSince !== undefined && clock.monotonic() - uncoveredSince >= limits.checkpointMs;
      if (late || reach.tail - reach.covered >= limits.checkpointRows) {
        const seq = await vouch();
        reach = { tail: seq, covered: seq };
      }
      if (added === 0) return;
    }
  }

  return {
    seal,
    finish: async () => {
      if (!lease.held()) return;
      try {
        await seal();
        await vouch();
      } catch (error) {
        // The server that starts next does both.
        logger.warn({ err: messageOf(error) }, 'audit log not sealed at the end');
      }
    },
  };
}
