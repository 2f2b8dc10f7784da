/** Ends what a user has open: in the database with the change, and in memory once that is certain. */
import type { Clock } from '../../kernel/clock.ts';
import type { Call } from '../../operation.ts';
import type { Executor } from '../../platform/ports.ts';
import type { Revocations } from './revocations.ts';
import type { SessionsService } from './sessions.service.ts';
import { noteAccessChange } from './users.store.ts';

/** What a use case needs of the call it runs in. */
export type Recorded = Pick<Call, 'commit' | 'audit' | 'afterCommit'>;

export type Endings = ReturnType<typeof createEndings>;

export function createEndings(options: {
  clock: Clock;
  sessions: SessionsService;
  revocations: Revocations;
}) {
  const { clock, sessions, revocations } = options;
  return {
    /** All sessions but `except`; how many. */
    async endSessions(
      db: Executor,
      userId: string,
      { afterCommit }: Recorded,
      except?: string,
    ): Promise<number> {
      const ended = await sessions.endAll(db, userId, except);
      afterCommit(() => {
        for (const id of ended) revocations.endSession(id);
      });
      return ended.length;
    },

    /** Access tokens with the rights of before; sessions go on and get new ones. */
    async changeAccess(db: Executor, userId: string, { afterCommit }: Recorded): Promise<void> {
      const now = new Date(clock.now());
      await noteAccessChange(db, userId, now);
      afterCommit(() => revocations.changeAccess(userId, now.getTime()));
    },
  };
}
