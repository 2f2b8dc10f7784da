/** A client that keeps a ledger: sends events at a steady pace and remembers which were acknowledged. */
import { setTimeout as delay } from 'node:timers/promises';
import { waitFor } from '@opmas/testkit';

/** One log line of each kind is matched by exactly one rule of exactly one agent; the last by none. */
export const LINES = {
  security: "Bad password attempt for 'root' from 203.0.113.9:40022",
  wifi: 'wlan0: AP-REJECTED-MAX-STA 02:00:5e:10:00:07',
  connectivity: "Interface 'wan' has lost the connection",
  health: '[91204.000] Kernel panic - not syncing: Fatal exception in interrupt',
} as const;
export const DOMAINS = ['security', 'wifi', 'connectivity', 'health'] as const;
const BENIGN = 'Child connection from 192.168.1.20:51514';

export interface LedgerOptions {
  /** Both asked at every attempt: a restarted product may have others. */
  url: () => string;
  token: () => string;
  eventsPerSecond: number;
  /** Every so many-th event is one that matches. */
  matchEvery: number;
}

export interface Ledger {
  /** Ids of the acknowledged events that must each have exactly one finding. */
  readonly expected: ReadonlySet<string>;
  readonly acknowledged: number;
  /** Attempts answered 503 or 429, or cut off; each was made again with the identical body. */
  readonly retried: number;
  /** Answers that no retry may excuse. */
  readonly faults: readonly string[];
  /** Resolves with the next acknowledgement of an attempt begun from now on; fails when none comes. */
  nextAcknowledgement(): Promise<void>;
  /** Resolves when so many more events are acknowledged. */
  moreAcknowledged(events: number): Promise<void>;
  /** Sends no new batch, and resolves when every one begun is acknowledged. */
  stop(): Promise<void>;
}

const BATCH = 25;
/** Batches under way at a time: what came due while the server was away is caught up by so many. */
const LANES = 8;
const RETRY_MS = 50;
const ANSWER_MS = 10_000;
/** A batch not acknowledged for so long is given up, as a fault: the product did not come back. */
const GIVE_UP_MS = 90_000;
const ACKNOWLEDGED_MS = 30_000;
const MAX_FAULTS = 20;

export function startLedger({ url, token, eventsPerSecond, matchEvery }: LedgerOptions): Ledger {
  const run = Date.now().toString(36);
  const expected = new Set<string>();
  const faults: string[] = [];
  /** When the attempt that was acknowledged last was begun. */
  let newest = 0;
  const began = performance.now();
  const due = () => Math.floor(((performance.now() - began) / 1000) * (eventsPerSecond / BATCH));
  let acknowledged = 0;
  let retried = 0;
  let lastFailure = 'none';
  let next = 0;
  let stopping = false;

  const batch = (number: number) =>
    Array.from({ length: BATCH }, (_, index) => {
      const seq = number * BATCH + index;
      const domain = DOMAINS[Math.floor(seq / matchEvery) % DOMAINS.length] ?? 'security';
      return {
        event_id: `${run}-${seq}`,
        timestamp: new Date().toISOString(),
        type: domain,
        message: seq % matchEvery === 0 ? LINES[domain] : BENIGN,
      };
    });

  /** True when it was acknowledged. */
  const attempt = async (body: string): Promise<boolean> => {
    try {
      const answer = await fetch(`${url()}/api/v1/events`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token()}`, 'content-type': 'application/json' },
        body,
        signal: AbortSignal.timeout(ANSWER_MS),
      });
      const text = await answer.text();
      if (answer.status === 202 && text === `{"accepted":${BATCH},"rejected":[]}`) return true;
      lastFailure = `${answer.status} ${text}`;
      if (![429, 503].includes(answer.status) && faults.length < MAX_FAULTS)
        faults.push(lastFailure);
      return false;
    } catch (error) {
      lastFailure = String(error);
      return false; // the connection was refused or lost: sent or not, the same body again
    }
  };

  const send = async (number: number) => {
    const events = batch(number);
    const body = JSON.stringify(events);
    const first = performance.now();
    let from = first;
    while (!(await attempt(body))) {
      if (performance.now() - first > GIVE_UP_MS) {
        faults.push(`batch ${number} was not acknowledged within ${GIVE_UP_MS} ms`);
        stopping = true;
        return;
      }
      retried += 1;
      await delay(RETRY_MS);
      from = performance.now();
    }
    acknowledged += BATCH;
    for (const event of events) if (event.message !== BENIGN) expected.add(event.event_id);
    newest = Math.max(newest, from);
  };

  const lane = async () => {
    while (!stopping) {
      if (next >= due()) {
        await delay(5);
        continue;
      }
      const number = next;
      next += 1;
      await send(number);
    }
  };
  const lanes = Promise.all(Array.from({ length: LANES }, lane));

  return {
    expected,
    faults,
    get acknowledged() {
      return acknowledged;
    },
    get retried() {
      return retried;
    },
    nextAcknowledgement: async () => {
      const from = performance.now();
      try {
        await waitFor(() => newest >= from, { timeoutMs: ACKNOWLEDGED_MS });
      } catch (cause) {
        const told = `${retried} attempts repeated, the last because of: ${lastFailure}`;
        throw new Error(`nothing acknowledged within ${ACKNOWLEDGED_MS} ms; ${told}`, { cause });
      }
    },
    moreAcknowledged: async (events) => {
      const enough = acknowledged + events;
      await waitFor(() => acknowledged >= enough, {
        timeoutMs: ACKNOWLEDGED_MS,
        what: `${events} more events acknowledged`,
      });
    },
    stop: async () => {
      stopping = true;
      await lanes;
    },
  };
}
