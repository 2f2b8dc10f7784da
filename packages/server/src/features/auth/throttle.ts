/** Slows down guessing, by account and by address, in the database: replicas and restarts share the count. */
import { createHash } from 'node:crypto';
import type { Clock } from '../../kernel/clock.ts';
import { OpmasError } from '../../kernel/errors.ts';
import { networkOf } from '../../kernel/network.ts';
import { sql } from '../../kernel/sql.ts';
import type { Executor } from '../../platform/ports.ts';

const HOUR_MS = 3_600_000;

/** Without an attempt for this long the count starts again. */
export const FORGET_MS = 24 * HOUR_MS;

interface Rule {
  /** Failures without any delay. */
  free: number;
  /** The first delay; doubled with every further failure up to the cap. */
  delayMs: number;
  capMs: number;
  /** From this many on, no attempt is taken until somebody or the time frees it. */
  lock: number;
}

/**
 * An account bears at most 100 failures in a row (NIST SP 800-63B): the last ones come 15 minutes apart.
 * An address may stand for a whole office, so it gets more, shorter delays, and no lock.
 */
const RULES = {
  account: { free: 5, delayMs: 1_000, capMs: 15 * 60_000, lock: 100 },
  address: { free: 30, delayMs: 1_000, capMs: 30_000, lock: Number.MAX_SAFE_INTEGER },
} as const satisfies Record<string, Rule>;

/** What is guessed at. Each counts on its own. */
export type Subject = 'sign-in' | 'password' | 'refresh' | 'setup';

export interface Key {
  rule: keyof typeof RULES;
  text: string;
}

/** Names are hashed: the table must not become a list of what people mistyped into the name field. */
export function accountKey(subject: Subject, name: string): Key {
  const hash = createHash('sha256').update(name.toLowerCase()).digest('base64url');
  return { rule: 'account', text: `${subject}:account:${hash}` };
}

/** Of all addresses one customer has. */
export function addressKey(subject: Subject, remote: string): Key {
  return { rule: 'address', text: `${subject}:address:${networkOf(remote)}` };
}

export type Throttle = ReturnType<typeof createThrottle>;

export function createThrottle({ database, clock }: { database: Executor; clock: Clock }) {
  const at = (ms: number) => new Date(ms);

  function refuse(until: number): never {
    const seconds = Math.max(1, Math.ceil((until - clock.now()) / 1_000));
    throw new OpmasError(
      'OPMAS_RATE_LIMITED',
      `Too many attempts failed; try again in ${inWords(seconds)}`,
      { retryAfter: seconds },
    );
  }

  /** Counts an attempt as failed before it is made: of many at once, each waits its turn. */
  async function reserve({ rule, text }: Key): Promise<void> {
    const now = clock.now();
    const { free, delayMs, capMs, lock } = RULES[rule];
    const failures = sql<number>`CASE WHEN throttle.updated_at <= ${at(now - FORGET_MS)} THEN 1
      ELSE throttle.failures + 1 END`;
    const waitMs = sql<number>`CASE WHEN ${failures} >= ${lock}::bigint THEN ${FORGET_MS}::bigint
      WHEN ${failures} <= ${free}::int THEN 0
      ELSE least(${capMs}::bigint, ${delayMs}::bigint * power(2, least(${failures} - ${free}::int - 1, 30))) END`;
    const { rows } = await sql`INSERT INTO throttle (key, failures, blocked_until, updated_at)
      VALUES (${text}, 1, ${at(now)}, ${at(now)})
      ON CONFLICT (key) DO UPDATE SET failures = ${failures},
        blocked_until = ${at(now)}::timestamptz + ${waitMs} * interval '1 millisecond',
        updated_at = ${at(now)}
      WHERE throttle.blocked_until <= ${at(now)}
      RETURNING 1`.execute(database);
    if (rows.length > 0) return;
    await admit({ rule, text });
    await reserve({ rule, text }); // it was freed between the two looks
  }

  /** @throws {OpmasError} OPMAS_RATE_LIMITED while the key is blocked */
  async function admit({ text }: Key): Promise<void> {
    const row = await database
      .selectFrom('throttle')
      .select('blocked_until')
      .where('key', '=', text)
      .executeTakeFirst();
    const until = row?.blocked_until.getTime() ?? 0;
    if (until > clock.now()) refuse(until);
  }

  /** The attempt was neither a failure nor a success: it is not counted, and what was before stays. */
  async function giveBack({ text }: Key): Promise<void> {
    await database
      .updateTable('throttle')
      .set({ failures: sql`greatest(failures - 1, 0)`, blocked_until: at(clock.now()) })
      .where('key', '=', text)
      .execute();
  }

  async function clear({ text }: Key): Promise<void> {
    await database.deleteFrom('throttle').where('key', '=', text).execute();
  }

  return {
    admit,
    clear,

    /** For secrets of 256 bits, which nobody guesses: only what failed is counted, and it costs no write to be right. */
    failed: reserve,

    /**
     * Runs `work` as an attempt on all keys. What it throws counts as a failure, unless `isFailure` says
     * otherwise; what it returns is a success, which makes accounts new again.
     * @throws {OpmasError} OPMAS_RATE_LIMITED without running it
     */
    async attempt<T>(
      keys: readonly Key[],
      work: () => Promise<T>,
      isFailure: (error: unknown) => boolean,
    ): Promise<T> {
      const reserved: Key[] = [];
      try {
        for (const key of keys) {
          await reserve(key);
          reserved.push(key);
        }
        const result = await work();
        for (const key of keys) await (key.rule === 'account' ? clear(key) : giveBack(key));
        return result;
      } catch (error) {
        if (!isFailure(error)) for (const key of reserved) await giveBack(key);
        throw error;
      }
    },

    /** Forgets what no longer counts, and beyond `most` rows the oldest. */
    async trim(most: number): Promise<void> {
      await database
        .deleteFrom('throttle')
        .where('updated_at', '<', at(clock.now() - FORGET_MS))
        .execute();
      await sql`DELETE FROM throttle WHERE key IN (
        SELECT key FROM throttle ORDER BY updated_at DESC OFFSET ${most})`.execute(database);
    },
  };
}

function inWords(seconds: number): string {
  if (seconds < 120) return `${seconds} seconds`;
  return seconds < 7_200
    ? `${Math.ceil(seconds / 60)} minutes`
    : `${Math.ceil(seconds / 3_600)} hours`;
}
