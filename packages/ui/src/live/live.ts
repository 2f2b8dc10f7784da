// Joins the feed to the data the page holds: messages in, one change of the caches per frame out.
import type { FindingRecord } from '@opmas/protocol';
import { notifyManager, type QueryClient } from '@tanstack/react-query';
import type { Session } from '../api/session.ts';
import { applyMessages } from '../data/apply.ts';
import { keys } from '../data/keys.ts';
import { maySomewhere } from '../lib/grants.ts';
import { limits } from '../limits.ts';
import { reconnectWait } from './backoff.ts';
import { createBatch, pacedFrames } from './batch.ts';
import { createFeed } from './feed.ts';
import { createJournal } from './journal.ts';
import type { LiveMessage } from './messages.ts';

export type Live = ReturnType<typeof createLive>;

const TOPICS = [
  ['agents', 'agents:read'],
  ['findings', 'findings:read'],
  ['jobs', 'jobs:read'],
] as const;

/** Those that the signed-in person may hear of; the server refuses a list with one that is not. */
function topicsOf(state: ReturnType<Session['state']>): string[] {
  const me = state.phase === 'in' ? state.identity : undefined;
  const topics = TOPICS.filter(([, needs]) => maySomewhere(me, needs)).map(([topic]) => topic);
  // Somebody who may hear of nothing: the refusal says so.
  return topics.length > 0 ? topics : ['agents'];
}

export function createLive(ports: { session: Session; queries: QueryClient; url: string }) {
  const { session, queries } = ports;
  const journal = createJournal<LiveMessage>();
  const hearers = new Set<(findings: readonly FindingRecord[]) => void>();
  let nextRefetch = 0;
  let refetch: ReturnType<typeof setTimeout> | undefined;

  const batch = createBatch<LiveMessage>({
    schedule: pacedFrames(limits.feedGapMs, () => performance.now()),
    apply(messages) {
      notifyManager.batch(() => applyMessages(queries, messages));
      const findings = messages.flatMap((m) => (m.type === 'finding' ? [m.finding] : []));
      if (findings.length > 0) for (const hear of hearers) hear(findings);
      if (messages.some((m) => m.type === 'finding' || m.type === 'agent.status')) refetchSoon();
    },
  });

  const feed = createFeed({
    url: ports.url,
    open: (url) => new WebSocket(url),
    topics: () => topicsOf(session.state()),
    token: (refused) => session.token(refused),
    now: () => Date.now(),
    random: () => Math.random(),
    waitFor: reconnectWait,
    onMessage(message) {
      journal.add(message);
      batch.add(message);
    },
    onGap() {
      void queries.invalidateQueries();
    },
  });

  /** Counts of findings and states of packages have no message of their own; they follow these, slowly. */
  function refetchSoon(): void {
    if (refetch) return;
    const now = Date.now();
    refetch = setTimeout(
      () => {
        refetch = undefined;
        nextRefetch = Date.now() + pace();
        void queries.invalidateQueries({ queryKey: keys.agents });
        void queries.invalidateQueries({ queryKey: keys.packages });
      },
      Math.max(limits.refetchEveryMs / 4, nextRefetch - now),
    );
  }

  /** A fleet of many pages is asked for less often. */
  function pace(): number {
    const agents = queries.getQueryData<readonly unknown[]>(keys.agents)?.length ?? 0;
    return limits.refetchEveryMs * Math.max(1, Math.ceil(agents / limits.agentsPage));
  }

  return {
    state: feed.state,
    subscribe: feed.subscribe,
    suspect: feed.suspect,
    retryNow: feed.retryNow,
    mark: journal.mark,
    since: journal.since,
    start: feed.start,

    /** Also forgets everything: the next one to sign in may be someone else. */
    stop: (): void => {
      feed.stop();
      clearTimeout(refetch);
      refetch = undefined;
      batch.clear();
      journal.clear();
    },

    /** Hears of findings as they arrive. */
    onFindings: (hear: (findings: readonly FindingRecord[]) => void): (() => void) => {
      hearers.add(hear);
      return () => hearers.delete(hear);
    },
  };
}
