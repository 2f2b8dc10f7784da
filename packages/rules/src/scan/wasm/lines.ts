/** What the scan in WebAssembly does with lines: where hits stand, and the messages of events. */
import {
  EVENT,
  HIT_BYTES,
  HITS,
  LINE_BYTES,
  LINES,
  LINES_MAX,
  MESSAGE_KEY,
  SPOT_BYTES,
  SPOTS,
  SUSPECT,
  TEXT,
} from '../layout.ts';
import * as a from './assembler.ts';
import { EVENT_END, GLOBALS } from './indexes.ts';

const { add, and, block, branch, branchIf, get, i32, load32, load8, loop, set, sub, when } = a;

const LINE_FEED = 10;
const BACKSLASH = 0x5c;
const QUOTE = 0x22;
const COLON = 0x3a;
const LETTER_M = 0x6d;
const LINES_END = LINES + LINE_BYTES * LINES_MAX;

/** Answers in 'mask' which of the 16 bytes at 'at' of the text are `byte`, those before `end` alone. */
const bytesAre = (byte: number, end: a.Code, mask = 'mask'): a.Code[] => [
  set(mask, a.bitmask(a.equalBytes(a.loadVector(get('at'), TEXT), a.vectorOf(byte)))),
  set('left', sub(end, get('at'))),
  when(
    a.less(get('left'), i32(16)),
    set(mask, and(get(mask), sub(a.shl(i32(1), get('left')), i32(1)))),
  ),
];
const lineFeeds = (end: a.Code): a.Code[] => bytesAre(LINE_FEED, end);

/**
 * spots(length, hits): for each hit, in order, the number of its line and where that begins and ends. The
 * text consists of lines; the last may lack its line feed.
 */
export const spots: a.Func = {
  name: 'spots',
  params: ['length', 'hits'],
  locals: ['hit', 'last', 'spot', 'start', 'at', 'line', 'begin', 'end', 'mask', 'left'],
  result: false,
  body: [
    set('hit', i32(HITS)),
    set('last', add(i32(HITS), a.shl(get('hits'), i32(3)))),
    set('spot', i32(SPOTS)),
    block(
      'done',
      loop(
        'each',
        branchIf('done', a.atLeast(get('hit'), get('last'))),
        set('start', load32(get('hit'), 4)),
        when(
          a.atLeast(get('start'), get('end')),
          set('at', get('begin')),
          block(
            'here',
            loop(
              'before',
              branchIf('here', a.atLeast(get('at'), get('start'))),
              ...lineFeeds(get('start')),
              when(
                get('mask'),
                set('line', add(get('line'), a.ones(get('mask')))),
                set('begin', sub(add(get('at'), i32(32)), a.leadingZeros(get('mask')))),
              ),
              set('at', add(get('at'), i32(16))),
              branch('before'),
            ),
          ),
          set('at', get('start')),
          set('end', get('length')),
          block(
            'ended',
            loop(
              'after',
              branchIf('ended', a.atLeast(get('at'), get('length'))),
              ...lineFeeds(get('length')),
              when(
                get('mask'),
                set('end', add(get('at'), a.trailingZeros(get('mask')))),
                branch('ended'),
              ),
              set('at', add(get('at'), i32(16))),
              branch('after'),
            ),
          ),
        ),
        a.store32(get('spot'), get('line')),
        a.store32(get('spot'), get('begin'), 4),
        a.store32(get('spot'), get('end'), 8),
        set('hit', add(get('hit'), i32(HIT_BYTES))),
        set('spot', add(get('spot'), i32(SPOT_BYTES))),
        branch('each'),
      ),
    ),
  ],
};

/** Counts in 'found' the keys in front of the bits 'before' of 'keys', the last in 'key'. */
const countKeys: a.Code[] = [
  set('some', and(get('keys'), get('before'))),
  block(
    'counted',
    loop(
      'bit',
      branchIf('counted', a.isZero(get('some'))),
      set('spot', add(get('at'), a.trailingZeros(get('some')))),
      when(
        a.isZero(
          a.or(
            a.differ64(a.load64(get('spot'), TEXT), a.load64(i32(MESSAGE_KEY))),
            a.ne(load8(get('spot'), TEXT + 8), i32(QUOTE)),
          ),
        ),
        set('key', get('spot')),
        set('found', add(get('found'), i32(1))),
      ),
      set('some', and(get('some'), sub(get('some'), i32(1)))),
      branch('bit'),
    ),
  ),
];

/** Where the line ends that begins at 'begin', and what it holds up to there: escapes, and keys of a message. */
const readLine: a.Code[] = [
  set('at', get('begin')),
  set('end', get('length')),
  set('found', i32(0)),
  set('escapes', i32(0)),
  block(
    'ended',
    loop(
      'vectors',
      branchIf('ended', a.atLeast(get('at'), get('length'))),
      ...bytesAre(QUOTE, get('length'), 'keys'),
      set(
        'keys',
        and(
          get('keys'),
          a.bitmask(a.equalBytes(a.loadVector(get('at'), TEXT + 1), a.vectorOf(LETTER_M))),
        ),
      ),
      ...bytesAre(BACKSLASH, get('length'), 'some'),
      ...lineFeeds(get('length')),
      // The bits in front of the line feed; all where there is none.
      set('before', sub(and(get('mask'), sub(i32(0), get('mask'))), i32(1))),
      set('escapes', a.or(get('escapes'), and(get('some'), get('before')))),
      ...countKeys,
      when(get('mask'), set('end', add(get('at'), a.trailingZeros(get('mask')))), branch('ended')),
      set('at', add(get('at'), i32(16))),
      branch('vectors'),
    ),
  ),
];

/** The message of a line that was read, if it is one: else leaves for `unknown`. */
const findMessage = (unknown: string): a.Code[] => [
  branchIf(unknown, get('escapes')),
  branchIf(unknown, a.ne(get('found'), i32(1))),
  branchIf(unknown, a.ne(load8(get('key'), TEXT + 9), i32(COLON))),
  branchIf(unknown, a.ne(load8(get('key'), TEXT + 10), i32(QUOTE))),
  set('from', add(get('key'), i32(11))),
  set('close', get('from')),
  block(
    'closed',
    loop(
      'open',
      branchIf(unknown, a.atLeast(get('close'), get('end'))),
      set('some', a.bitmask(a.equalBytes(a.loadVector(get('close'), TEXT), a.vectorOf(QUOTE)))),
      branchIf('closed', get('some')),
      set('close', add(get('close'), i32(16))),
      branch('open'),
    ),
  ),
  set('close', add(get('close'), a.trailingZeros(get('some')))),
  branchIf(unknown, a.atLeast(get('close'), get('end'))),
];

/** Puts the bytes from 'from' to 'close' behind the messages before. */
const moveMessage: a.Code[] = [
  set('until', add(get('out'), sub(get('close'), get('from')))),
  when(
    // A vector written so near would reach what is not read yet.
    a.less(sub(get('from'), get('out')), i32(16)),
    a.copy(add(get('out'), i32(TEXT)), add(get('from'), i32(TEXT)), sub(get('close'), get('from'))),
    set('out', get('until')),
  ),
  block(
    'copied',
    loop(
      'vector',
      branchIf('copied', a.atLeast(get('out'), get('until'))),
      a.storeVector(get('out'), a.loadVector(get('from'), TEXT), TEXT),
      set('out', add(get('out'), i32(16))),
      set('from', add(get('from'), i32(16))),
      branch('vector'),
    ),
  ),
  set('out', get('until')),
];

const MESSAGES_LOCALS =
  'begin end to out mark at mask left before escapes keys found key some spot from close until'.split(
    ' ',
  );

/**
 * messages(length): `gatherMessages` of `scan.ts`. Messages move forward only, to where everything is read.
 */
export const messages: a.Func = {
  name: 'messages',
  params: ['length'],
  locals: MESSAGES_LOCALS,
  result: true,
  body: [
    set('to', i32(LINES)),
    block(
      'done',
      loop(
        'lines',
        branchIf('done', a.atLeast(get('begin'), get('length'))),
        when(a.eq(get('to'), i32(LINES_END)), a.giveBack(i32(-1))),
        set('mark', i32(SUSPECT)),
        set('end', a.call(EVENT_END, get('begin'), get('length'))),
        block(
          'told',
          block(
            'found',
            when(
              get('end'),
              set('mark', i32(EVENT)),
              set('from', a.getGlobal(GLOBALS.messageBegin)),
              set('close', a.getGlobal(GLOBALS.messageEnd)),
              branch('found'),
            ),
            ...readLine,
            ...findMessage('told'),
            set('mark', i32(0)),
          ),
          ...moveMessage,
        ),
        a.store32(get('to'), a.or(get('end'), get('mark'))),
        a.store32(get('to'), get('out'), 4),
        a.store8(get('out'), i32(LINE_FEED), TEXT),
        set('out', add(get('out'), i32(1))),
        set('to', add(get('to'), i32(LINE_BYTES))),
        set('begin', add(get('end'), i32(1))),
        branch('lines'),
      ),
    ),
    a.shr(sub(get('to'), i32(LINES)), i32(3)),
  ],
};
