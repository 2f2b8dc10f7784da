/** The one writer of the account's claims: whoever is revoked is off the broker within a second of the commit. */
import type { Clock } from '../../kernel/clock.ts';
import { messageOf } from '../../kernel/errors.ts';
import type { Logger } from '../../kernel/logger.ts';
import type { Database, Executor } from '../../platform/ports.ts';
import { AGENT_SECONDS } from '../auth/index.ts';
import type { BrokerAccount } from './credentials.ts';
import * as store from './revocations.store.ts';

/** Clocks of replicas and of the broker may differ by this much. */
const SKEW_SECONDS = 120;

export interface Revoke {
  publicKey: string;
  agentId: string | null;
  /** Unix seconds of the newest credentials of the key. */
  issuedAt: number;
  /** Never to be registered again: what was stolen must not come back. */
  burn: boolean;
  reason: string;
}

export interface RevocationState {
  /** False: credentials end by themselves only, within the hour. */
  possible: boolean;
  /** Why the last attempt to tell the broker failed. */
  error: string | undefined;
}

export function createRevocations(options: {
  database: Database;
  /** Undefined: the account is not ours to change. */
  account: BrokerAccount | undefined;
  clock: Clock;
  logger: Logger;
}) {
  const { database, account, clock, logger } = options;
  let error: string | undefined;
  /** The broker may not know what it was told: everything is told again. */
  let again = true;
  /** What was over by then was told by this server as forgotten; in milliseconds, with room for clocks. */
  let forgottenUpTo = 0;

  async function tell(to: BrokerAccount, everything: boolean): Promise<void> {
    const since = new Date(everything ? 0 : forgottenUpTo);
    let toldAt = 0;
    await database.transaction(async (tx) => {
      await store.lockWriter(tx);
      const now = clock.now();
      toldAt = now;
      const forget = await store.pruneRevocations(tx, new Date(now), since);
      const rows = await store.revocationsInForce(tx, new Date(now));
      const issuedAt = await store.nextClaimsTime(tx, to.id, Math.floor(now / 1_000));
      await to.publish({
        revocations: Object.fromEntries(rows.map((row) => [row.public_key, row.issued_up_to])),
        forget,
        issuedAt,
      });
      await store.markPushed(tx, rows);
    });
    forgottenUpTo = toldAt - SKEW_SECONDS * 1_000;
  }

  return {
    /** In the caller's transaction; takes effect by `push` after its commit, by whichever replica. */
    async revoke(db: Executor, wanted: Revoke): Promise<void> {
      const now = clock.now();
      const issuedUpTo = Math.max(Math.floor(now / 1_000), wanted.issuedAt);
      await store.upsertRevocation(db, {
        public_key: wanted.publicKey,
        agent_id: wanted.agentId,
        issued_up_to: issuedUpTo,
        revoked_at: new Date(now),
        until: new Date((issuedUpTo + AGENT_SECONDS + SKEW_SECONDS) * 1_000),
        burned: wanted.burn,
        reason: wanted.reason,
      });
    },

    /** What was issued for the key up to then (Unix seconds) is refused; and may it be used at all? */
    async ofKey(db: Executor, publicKey: string): Promise<{ upTo: number; burned: boolean }> {
      const row = await store.revocationOf(db, publicKey);
      return { upTo: row?.issued_up_to ?? 0, burned: row?.burned ?? false };
    },

    /** Tells the broker what it was not told yet; cheap when there is nothing. @throws when it does not answer */
    async push(): Promise<void> {
      if (account === undefined) return;
      if (!again && !(await store.isDue(database.pool, new Date(clock.now())))) return;
      const everything = again;
      again = false;
      try {
        await tell(account, everything);
        error = undefined;
      } catch (thrown) {
        again = true;
        error = messageOf(thrown);
        throw thrown;
      }
    },

    /** The next `push` says everything: a broker that came back may have an older state. */
    forgetTold(): void {
      again = true;
    },

    /** As `push` at a start: a broker that does not take it is tried again, and does not hold up the server. */
    async pushAtStart(): Promise<void> {
      try {
        await this.push();
      } catch (thrown) {
        logger.error({ err: messageOf(thrown) }, 'the broker was not told who is revoked');
      }
    },

    since: (db: Executor, since: Date) => store.agentsRevokedSince(db, since),

    state: (): RevocationState => ({ possible: account !== undefined, error }),
  };
}

export type Revocations = ReturnType<typeof createRevocations>;
