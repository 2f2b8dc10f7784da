/** What ended while its access tokens may still live: asked from memory, shared by all replicas through the database. */
import type { Clock } from '../../kernel/clock.ts';
import type { Executor } from '../../platform/ports.ts';
import { sessionsRevokedSince } from './sessions.store.ts';
import { ACCESS_SECONDS, type Claims } from './tokens.ts';
import { accessChangesSince } from './users.store.ts';

export type Revocations = ReturnType<typeof createRevocations>;

/** Remembered a little longer than a token lives: clocks of replicas differ. */
export const REMEMBER_MS = (ACCESS_SECONDS + 120) * 1_000;

export function createRevocations({ database, clock }: { database: Executor; clock: Clock }) {
  /** Sessions that ended, and when that may be forgotten. */
  const sessions = new Map<string, number>();
  /** Users whose rights changed, and when. */
  const changes = new Map<string, number>();
  /** Agents removed within the life of their tokens, and when. */
  let agents: ReadonlyMap<string, number> = new Map();

  function endSession(id: string): void {
    sessions.set(id, clock.now() + REMEMBER_MS);
  }

  function changeAccess(userId: string, at: number): void {
    changes.set(userId, Math.max(at, changes.get(userId) ?? 0));
  }

  function forgetOld(): void {
    const now = clock.now();
    for (const [id, until] of sessions) if (until < now) sessions.delete(id);
    for (const [id, at] of changes) if (at + REMEMBER_MS < now) changes.delete(id);
  }

  return {
    endSession,
    changeAccess,

    /** Has what a token stood for ended, or changed, since it was issued? */
    isRevoked({ caller, sessionId, issuedAt }: Claims): boolean {
      if (sessionId !== undefined && sessions.has(sessionId)) return true;
      if (caller.kind === 'user') return issuedAt <= (changes.get(caller.id) ?? 0);
      // An agent that came back since has newer tokens, which hold before the next look.
      return caller.kind === 'agent' && issuedAt <= (agents.get(caller.id) ?? 0);
    },

    /** Takes over what any replica ended; call every few seconds. An agent may have ended several times. */
    async sync(removed: readonly { id: string; updated_at: Date }[]): Promise<void> {
      const ends = new Map<string, number>();
      for (const { id, updated_at } of removed) {
        ends.set(id, Math.max(updated_at.getTime(), ends.get(id) ?? 0));
      }
      agents = ends;
      const since = new Date(clock.now() - REMEMBER_MS);
      for (const id of await sessionsRevokedSince(database, since)) {
        if (!sessions.has(id)) endSession(id);
      }
      for (const { user_id, changed_at } of await accessChangesSince(database, since)) {
        changeAccess(user_id, changed_at.getTime());
      }
      forgetOld();
    },
  };
}
