/** The scan in WebAssembly, as the assembler takes it. `typescript.ts` is the same in TypeScript. */
import {
  CLASSES,
  COMPARED,
  CURSORS,
  FOLDS,
  FREE,
  HIT_BYTES,
  HITS,
  HITS_PER_CURSOR,
  LIST_HEAD_WORDS,
  LITERAL_HEAD_WORDS,
  SLOT_BYTES,
  SLOTS,
  TABLES,
  TEXT,
} from '../layout.ts';
import * as a from './assembler.ts';
import { eventEnd } from './events.ts';
import { GLOBALS, RECORD, SAME } from './indexes.ts';
import { messages, spots } from './lines.ts';

const { add, and, block, branch, branchIf, get, i32, load32, load8, loop, set, sub, when } = a;

/** Steps between two looks at the end. */
const UNROLLED = 2;
const REGION = HITS_PER_CURSOR * HIT_BYTES;
const cursors = Array.from({ length: CURSORS }, (_, k) => k);

const global = (name: keyof typeof GLOBALS) => a.getGlobal(GLOBALS[name]);

/** same(at, literal, length, fold): do `length` bytes at both addresses agree? */
const same: a.Func = {
  params: ['at', 'literal', 'length', 'fold'],
  locals: ['end'],
  result: true,
  body: [
    set('end', add(get('at'), get('length'))),
    block(
      'differ',
      when(
        a.isZero(get('fold')),
        block(
          'rest',
          loop(
            'eight',
            branchIf('rest', a.less(sub(get('end'), get('at')), i32(8))),
            branchIf('differ', a.differ64(a.load64(get('at')), a.load64(get('literal')))),
            set('at', add(get('at'), i32(8))),
            set('literal', add(get('literal'), i32(8))),
            branch('eight'),
          ),
        ),
        block(
          'agree',
          loop(
            'one',
            branchIf('agree', a.eq(get('at'), get('end'))),
            branchIf('differ', a.ne(load8(get('at')), load8(get('literal')))),
            set('at', add(get('at'), i32(1))),
            set('literal', add(get('literal'), i32(1))),
            branch('one'),
          ),
        ),
      ),
      block(
        'agree',
        loop(
          'one',
          branchIf('agree', a.eq(get('at'), get('end'))),
          branchIf('differ', a.ne(load8(load8(get('at')), FOLDS), load8(get('literal')))),
          set('at', add(get('at'), i32(1))),
          set('literal', add(get('literal'), i32(1))),
          branch('one'),
        ),
      ),
      a.giveBack(i32(1)),
    ),
    i32(0),
  ],
};

/** record(end, row, cursor): notes each literal of which the window ends at `end` and the rest stands around it. */
const record: a.Func = {
  params: ['end', 'row', 'cursor'],
  locals: ['list', 'left', 'start', 'length', 'free'],
  result: false,
  body: [
    set('free', load32(a.shl(get('cursor'), i32(2)), FREE)),
    loop(
      'suffix',
      set('list', load32(get('row'), TABLES)),
      block(
        'listed',
        branchIf('listed', a.isZero(get('list'))),
        // A window that begins in the next cursor's part is that cursor's.
        branchIf(
          'listed',
          a.atLeast(
            sub(get('end'), load32(get('list'), TABLES + 4)),
            a.mul(add(get('cursor'), i32(1)), global('part')),
          ),
        ),
        set('left', load32(get('list'), TABLES)),
        set('list', add(get('list'), i32(4 * LIST_HEAD_WORDS))),
        loop(
          'literals',
          set('length', load32(get('list'), TABLES + 8)),
          block(
            'next',
            set('start', sub(get('end'), load32(get('list'), TABLES + 4))),
            branchIf('next', a.less(get('start'), i32(0))),
            branchIf('next', a.greater(add(get('start'), get('length')), global('length'))),
            a.store32(i32(COMPARED), add(load32(i32(COMPARED)), i32(1))),
            branchIf(
              'next',
              a.isZero(
                a.call(
                  SAME,
                  add(get('start'), i32(TEXT)),
                  add(get('list'), i32(TABLES + 4 * LITERAL_HEAD_WORDS)),
                  get('length'),
                  load32(get('list'), TABLES + 12),
                ),
              ),
            ),
            when(
              a.eq(get('free'), add(a.mul(get('cursor'), i32(REGION)), i32(HITS + REGION))),
              a.setGlobal(GLOBALS.lost, i32(1)),
              a.giveBack(),
            ),
            a.store32(get('free'), load32(get('list'), TABLES)),
            a.store32(get('free'), get('start'), 4),
            set('free', add(get('free'), i32(HIT_BYTES))),
            a.store32(a.shl(get('cursor'), i32(2)), get('free'), FREE),
          ),
          set(
            'list',
            add(
              add(get('list'), i32(4 * LITERAL_HEAD_WORDS)),
              and(add(get('length'), i32(3)), i32(-4)),
            ),
          ),
          set('left', sub(get('left'), i32(1))),
          branchIf('literals', get('left')),
        ),
      ),
      set('row', load32(get('row'), TABLES + 4)),
      branchIf('suffix', get('row')),
    ),
  ],
};

const row = (k: number) => `row${k}`;
const anyAccepts = cursors.map((k) => get(row(k))).reduce((left, right) => a.or(left, right));

/** One character of each part. */
function step(ahead: number): a.Code[] {
  return cursors.map((k) =>
    set(
      row(k),
      load32(
        add(get(row(k)), load8(load8(get('at'), SLOTS + k * SLOT_BYTES + ahead), CLASSES)),
        TABLES,
      ),
    ),
  );
}

/**
 * scan(length, overlap): looks for all literals in the first `length` bytes of the
 * text. Answers the number of hits, in the order of the text by where their windows begin, or -1 when
 * there were more than a cursor keeps.
 */
const scan: a.Func = {
  name: 'scan',
  params: ['length', 'overlap'],
  locals: ['part', 'at', 'end', 'to', 'bytes', ...cursors.map(row)],
  result: true,
  body: [
    set('part', a.shr(add(get('length'), i32(CURSORS - 1)), i32(3))),
    a.setGlobal(GLOBALS.length, get('length')),
    a.setGlobal(GLOBALS.part, get('part')),
    a.setGlobal(GLOBALS.lost, i32(0)),
    set('end', add(get('part'), get('overlap'))),
    ...cursors.flatMap((k) => [
      a.copy(
        i32(SLOTS + k * SLOT_BYTES),
        add(a.mul(get('part'), i32(k)), i32(TEXT)),
        add(get('end'), i32(UNROLLED)),
      ),
      a.store32(i32(FREE + 4 * k), i32(HITS + k * REGION)),
    ]),
    block(
      'done',
      loop(
        'resume',
        block(
          'found',
          // Entered where the loop was left; what lies past the end belongs to no window of this text.
          ...inUnrolledBlocks(),
        ),
        ...cursors.map((k) =>
          when(
            a.less(get(row(k)), i32(0)),
            set(row(k), and(get(row(k)), i32(0x7fff_ffff))),
            a.call(RECORD, add(get('at'), a.mul(get('part'), i32(k))), get(row(k)), i32(k)),
          ),
        ),
        branchIf('resume', a.less(get('at'), get('end'))),
      ),
    ),
    when(global('lost'), a.giveBack(i32(-1))),
    // The hits of all cursors, one after the other.
    set('to', load32(i32(FREE))),
    ...cursors
      .slice(1)
      .flatMap((k) => [
        set('bytes', sub(load32(i32(FREE + 4 * k)), i32(HITS + k * REGION))),
        when(
          get('bytes'),
          a.copy(get('to'), i32(HITS + k * REGION), get('bytes')),
          set('to', add(get('to'), get('bytes'))),
        ),
      ]),
    a.shr(sub(get('to'), i32(HITS)), i32(3)),
  ],
};

/** The loop proper. A hit at the first of two steps leaves with one character read, at the last with all. */
function inUnrolledBlocks(): a.Code[] {
  let code: a.Code[] = [
    loop(
      'steps',
      ...Array.from({ length: UNROLLED }, (_, ahead) => [
        ...step(ahead).flat(),
        ...(ahead < UNROLLED - 1
          ? branchIf(`hit${ahead}`, a.less(anyAccepts, i32(0)))
          : [
              ...set('at', add(get('at'), i32(UNROLLED))),
              ...branchIf('found', a.less(anyAccepts, i32(0))),
            ]),
      ]),
      branchIf('steps', a.less(get('at'), get('end'))),
    ),
    branch('done'),
  ];
  for (let ahead = UNROLLED - 2; ahead >= 0; ahead--) {
    code = [block(`hit${ahead}`, ...code), set('at', add(get('at'), i32(1)))];
  }
  return code;
}

/** The module's bytes; `module.ts` holds them ready. */
export function program(): Uint8Array {
  return a.assemble([same, record, scan, spots, messages, eventEnd], Object.keys(GLOBALS).length);
}
