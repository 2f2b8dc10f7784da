/** The audit log as lines that anybody can verify without the server. */
import { type Checkpoint, canonicalRow, signCheckpoint } from '@opmas/keyring';
import { type Clock, timestamp } from '../../kernel/clock.ts';
import { OpmasError } from '../../kernel/errors.ts';
import { limits } from '../../kernel/limits.ts';
import type { Executor, KeyChain } from '../../platform/ports.ts';
import * as store from './chain.store.ts';
import type { Verification } from './verification.ts';

/**
 * Header, entries with the checkpoints about them, and a signed end. Rows of a time are a stretch of the
 * chain that holds them all; rows of shortly before or after may stand between them.
 */
export async function* exportLines(
  { keys, verification, clock }: { keys: KeyChain; verification: Verification; clock: Clock },
  db: Executor,
  range: { from?: string; to?: string },
): AsyncGenerator<string> {
  const { before, last } = await store.linksOf(db, range);
  const from = await store.chainPoint(db, last === 0 ? 0 : before);
  if (from === undefined) {
    throw new OpmasError('OPMAS_CONFLICT', `Link ${before} of the chain is missing; verify it`);
  }
  const { hash: chain, unsignedUpTo } = await store.beginning(db);
  yield line({
    type: 'opmas-audit',
    version: 1,
    chain,
    from,
    unsigned_up_to: unsignedUpTo,
    keys: await verification.publicKeys(),
  });
  let at = from;
  while (at.seq < last) {
    const entries = await store.entriesAfter(
      db,
      at.seq,
      Math.min(limits.verifyBatch, last - at.seq),
    );
    const end = entries.at(-1)?.link;
    if (end === undefined) break;
    for (const checkpoint of await store.checkpointsBetween(db, at.seq + 1, end.seq)) {
      yield line({ type: 'checkpoint', checkpoint });
    }
    yield entries
      .map(({ link, row, personal, erased }) =>
        line({
          type: 'entry',
          link,
          row: row === undefined ? null : canonicalRow(row),
          personal,
          erased,
        }),
      )
      .join('');
    at = { seq: end.seq, hash: end.hash };
  }
  yield line({ type: 'end', checkpoint: await signedEnd() });

  async function signedEnd(): Promise<Checkpoint> {
    const [key] = await keys.keys('audit-checkpoint');
    if (key === undefined) throw new Error('there is no key to sign checkpoints with');
    const time = timestamp(clock.now());
    return signCheckpoint({ chain, ...at, count: at.seq, time }, key);
  }
}

function line(value: object): string {
  return `${JSON.stringify(value)}\n`;
}
