/** Whatever is done to a chained audit log, the first bad place is named. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type ChainPoint, nextLink, type Verdict } from './chain.ts';
import { hasSeal, rowSeal } from './row.ts';
import { chained, firstFault, type SampleLog, sampleLog, sampleRow, vouch } from './testing.ts';
import type { ChainEntry } from './walk.ts';

const ROWS = 1_000;
const EVERY = 100;
const log = sampleLog(ROWS, EVERY);
const modes = [
  { name: 'online', online: true },
  { name: 'offline', online: false },
];

/** The log with `change` done to its entries; what is not touched is shared. */
const damaged = (change: (entries: ChainEntry[]) => ChainEntry[]): SampleLog => ({
  ...log,
  entries: change([...log.entries]),
});
const at = (index: number): ChainEntry => log.entries[index] as ChainEntry;
const rowAt = (index: number) => at(index).row as NonNullable<ChainEntry['row']>;

describe.each(modes)('X23 audit tampering, $name (ASVS 16.4.2)', (mode) => {
  const fault = (broken: SampleLog) => firstFault(broken, mode);

  test('an untouched log verifies', () => {
    expect(fault(log)).toBeUndefined();
  });

  test('an edited row is named, whichever it is and whatever was edited', () => {
    const edits: ((index: number) => Partial<NonNullable<ChainEntry['row']>>)[] = [
      () => ({ actor_kind: 'local' }),
      () => ({ action: 'auth.login' }),
      () => ({ object: 'agent-x' }),
      () => ({ outcome: 'refused' }),
      () => ({ details: { number: -1 } }),
      () => ({ before: {} }),
      () => ({ after: null }),
      () => ({ at: '2026-01-01T00:00:00.000001Z' }),
      () => ({ request_id: null }),
      () => ({ personal: [] }),
      () => ({ key_id: 'other' }),
      () => ({ hmac: '0'.repeat(64) }),
      (index) => ({ id: rowAt(index).id + 5_000 }),
    ];
    for (let index = 0; index < ROWS; index += 1) {
      const edit = edits[index % edits.length] as (typeof edits)[number];
      const broken = damaged((entries) =>
        entries.with(index, { ...at(index), row: { ...rowAt(index), ...edit(index) } }),
      );
      const found = firstFaultFrom(broken, index, mode.online);
      expect([found?.seq, found?.audit_id]).toEqual([index + 1, index + 1]);
    }
  });

  test('a deleted row is named, whichever it is', () => {
    for (let index = 0; index < ROWS; index += 1) {
      const broken = damaged((entries) => entries.with(index, { ...at(index), row: undefined }));
      expect(firstFaultFrom(broken, index, mode.online)).toMatchObject({
        kind: 'row_missing',
        seq: index + 1,
        audit_id: index + 1,
      });
    }
  });

  test('a deleted link is named, whichever it is', () => {
    for (let index = 0; index < ROWS - 1; index += 1) {
      const broken = damaged((entries) => entries.toSpliced(index, 1));
      expect(firstFaultFrom(broken, index, mode.online)).toMatchObject({
        kind: 'row_missing',
        seq: index + 1,
      });
    }
  });

  test('two rows that changed places are named by the first of them', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: ROWS - 2 }),
        fc.integer({ min: 1, max: 50 }),
        (a, gap) => {
          const b = Math.min(a + gap, ROWS - 1);
          const swappedRows = damaged((entries) =>
            entries
              .with(a, { ...at(a), row: rowAt(b), personal: at(b).personal })
              .with(b, { ...at(b), row: rowAt(a), personal: at(a).personal }),
          );
          expect(firstFaultFrom(swappedRows, a, mode.online)?.seq).toBe(a + 1);
          const swappedLinks = damaged((entries) =>
            entries
              .with(a, { ...at(b), link: { ...at(b).link, seq: a + 1 } })
              .with(b, { ...at(a), link: { ...at(a).link, seq: b + 1 } }),
          );
          expect(firstFaultFrom(swappedLinks, a, mode.online)).toMatchObject({
            kind: 'order',
            seq: a + 1,
          });
        },
      ),
      { numRuns: 60 },
    );
  });

  test('a cut tail is found by the checkpoint outside, wherever it was cut', () => {
    for (let kept = 0; kept < ROWS; kept += 37) {
      expect(fault(damaged((entries) => entries.slice(0, kept)))).toMatchObject({
        kind: 'tail_cut',
        seq: kept + 1,
      });
    }
  });

  test('a chain rewritten without one row is found by the first checkpoint after it', () => {
    for (let gone = 0; gone < ROWS - 1; gone += 61) {
      const broken = damaged((entries) => chained(entries.toSpliced(gone, 1), log.chain));
      const found = fault(broken);
      const next = Math.min(Math.ceil((gone + 1) / EVERY) * EVERY, ROWS);
      expect(found?.kind).toBe(next >= ROWS ? 'tail_cut' : 'chain_rewritten');
      const reported = found?.seq ?? 0;
      // With the last stretch one row short, its end is what is missed.
      if (next < ROWS) expect(reported).toBe(next - EVERY + 1);
      else expect(reported).toBe(ROWS);
    }
  });

  test('a chain rewritten with a row more is found by the first checkpoint after it', () => {
    const broken = damaged((entries) =>
      chained(
        entries.toSpliced(150, 0, { ...sampleRow(5_000), link: at(0).link, erased: [] }),
        log.chain,
      ),
    );
    expect(fault(broken)).toMatchObject({ kind: 'chain_rewritten', seq: 101 });
  });

  test('a whole chain of another beginning is found', () => {
    const chain = 'b'.repeat(64);
    const broken: SampleLog = { ...log, chain, entries: chained(log.entries, chain) };
    expect(fault(broken)).toMatchObject({ kind: 'chain_rewritten', seq: 1 });
  });

  test('a chain rewritten with checkpoints of a key of one’s own is found', () => {
    const own = { id: 'sign-1', bytes: new Uint8Array(32).fill(1) };
    const entries = chained(log.entries.toSpliced(10, 1), log.chain);
    const checkpoints = entries
      .filter(({ link }) => link.seq % EVERY === 0)
      .map(({ link }) => vouch(log.chain, link, own));
    expect(fault({ ...log, entries, checkpoints })).toMatchObject({
      kind: 'checkpoint_signature',
      seq: EVERY,
    });
  });

  test('a checkpoint that was edited is named', () => {
    for (const [index, checkpoint] of log.checkpoints.entries()) {
      const forged = { ...checkpoint, count: checkpoint.count + 1 };
      const broken = { ...log, checkpoints: log.checkpoints.with(index, forged) };
      expect(fault(broken)).toMatchObject({ kind: 'checkpoint_signature', seq: checkpoint.seq });
    }
  });

  test('a checkpoint that nobody signed is no proof of a tail that was cut', () => {
    const last = log.checkpoints.at(-1);
    if (last === undefined) throw new Error('the sample has checkpoints');
    const forged = { ...last, seq: ROWS + 500, count: ROWS + 500 };
    expect(fault({ ...log, checkpoints: [...log.checkpoints, forged] })).toMatchObject({
      kind: 'checkpoint_signature',
      seq: ROWS + 500,
    });
  });

  test.each<[Verdict, string]>([
    ['tampered', 'row_changed'],
    ['unsigned', 'row_changed'],
    ['missing', 'row_missing'],
  ])('what was found %s when it was chained stays a fault', (verdict, kind) => {
    const entries = [1, 2, 3].reduce<ChainEntry[]>((all, id) => {
      const tail: ChainPoint = all.at(-1)?.link ?? { seq: 0, hash: log.chain };
      const sample = sampleRow(id);
      const found = id !== 2 || verdict !== 'missing' ? sample : { row: undefined, personal: [] };
      const said = {
        audit_id: id,
        verdict: id === 2 ? verdict : 'sealed',
        row: found.row,
      } as const;
      return [...all, { link: nextLink(tail, said), ...found, erased: [] }];
    }, []);
    expect(fault({ ...log, entries, checkpoints: [] })).toMatchObject({
      kind,
      seq: 2,
      audit_id: 2,
    });
  });

  test('who it was cannot be changed, put in or taken away unseen', () => {
    for (let index = 0; index < ROWS; index += 29) {
      const [person] = at(index).personal;
      if (person === undefined) throw new Error('the sample has a person in each row');
      const other = (personal: ChainEntry['personal']) =>
        firstFaultFrom(
          damaged((entries) => entries.with(index, { ...at(index), personal })),
          index,
          mode.online,
        );
      const seq = index + 1;
      for (const change of [
        { name: 'x' },
        { remote: null },
        { user_agent: '' },
        { person_id: 'y' },
      ]) {
        expect(other([{ ...person, ...change }])).toMatchObject({ kind: 'personal_changed', seq });
      }
      expect(other([person, { ...person, part: 1 }])).toMatchObject({
        kind: 'personal_changed',
        seq,
      });
      expect(other([])).toMatchObject({ kind: 'personal_missing', seq });
    }
  });

  test('an erased person is no fault', () => {
    const erased = damaged((entries) =>
      entries.map((entry) => ({ ...entry, personal: [], erased: [0] })),
    );
    expect(fault(erased)).toBeUndefined();
  });
});

describe('X23 audit tampering, with the key of the seals (ASVS 16.4.2)', () => {
  test('a row rewritten with its whole chain before the first checkpoint is named by its seal', () => {
    for (let index = 0; index < EVERY; index += 1) {
      const entries = chained(
        log.entries
          .slice(0, EVERY)
          .with(index, { ...at(index), row: { ...rowAt(index), object: 'forged' } }),
        log.chain,
      );
      const found = firstFault({ ...log, entries, checkpoints: [] }, { online: true });
      expect(found).toMatchObject({ kind: 'row_changed', seq: index + 1, audit_id: index + 1 });
    }
  });

  test('a seal is good for its key and its row alone', () => {
    const { row } = sampleRow(1);
    const [key, other] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)];
    const sealed = { ...row, hmac: rowSeal(row, key) };
    expect(hasSeal(sealed, key)).toBe(true);
    expect(hasSeal(sealed, other)).toBe(false);
    expect(hasSeal({ ...sealed, object: 'forged' }, key)).toBe(false);
    expect(hasSeal({ ...sealed, hmac: null }, key)).toBe(false);
  });

  test('a row without a seal is not believed when it is newer than seals', () => {
    const entries = chained(log.entries, log.chain);
    const last = entries.at(-1) as ChainEntry;
    const bare = chained(
      [{ ...last, row: { ...rowAt(ROWS - 1), hmac: null, key_id: null } }],
      log.chain,
    );
    const broken = { ...log, entries: bare, checkpoints: [] };
    expect(firstFault(broken, { online: true })).toMatchObject({ kind: 'row_changed', seq: 1 });
  });
});

/** Walks from shortly before `index`, so that a thousand damaged logs are walked in no time. */
function firstFaultFrom(broken: SampleLog, index: number, online: boolean) {
  const start = Math.max(0, index - 3);
  if (start === 0) return firstFault(broken, { online });
  const before = at(start - 1).link;
  return firstFault(
    {
      ...broken,
      entries: broken.entries.slice(start, index + 3),
      checkpoints: [],
      from: { seq: before.seq, hash: before.hash },
    },
    { online },
  );
}
