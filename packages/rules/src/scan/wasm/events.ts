/** Is a line an event for sure? `../events.ts` says the same in TypeScript. */
import { LONG_MONTHS, MEMBERS, type Member, TIME_LEAST, TIME_MOST } from '../event-form.ts';
import { TEXT, TEXT_BYTES } from '../layout.ts';
import * as a from './assembler.ts';
import { GLOBALS } from './indexes.ts';

const { add, and, block, branch, branchIf, get, i32, load8, loop, or, set, sub, when } = a;

const BRACE = 0x7b;
const CLOSING_BRACE = 0x7d;
const COMMA = 0x2c;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const SPACE = 0x20;
const LINE_FEED = 10;
const ZERO = 0x30;
const VECTOR = 16;
const FEBRUARY = 2;
const REQUIRED = MEMBERS.reduce((bits, { isRequired }, n) => bits | (isRequired ? 1 << n : 0), 0);

const unsure = a.giveBack(i32(0));
const length = sub(get('at'), get('from'));

/** Whether any of 16 bytes at 'from' and `ahead` is below that of `least`, or above that of `most`. */
const anyOutside = (ahead: number, least: Uint8Array, most: Uint8Array): a.Code => {
  const bytes = a.loadVector(get('from'), TEXT + ahead);
  const low = a.lessBytes(bytes, a.vectorFrom(least));
  return a.bitmask(a.orBytes(low, a.greaterBytes(bytes, a.vectorFrom(most))));
};
/** The number that two digits at 'from' and `ahead` write. */
const twoDigits = (ahead: number): a.Code =>
  sub(
    add(a.mul(load8(get('from'), TEXT + ahead), i32(10)), load8(get('from'), TEXT + ahead + 1)),
    i32(11 * ZERO),
  );

/** The time of 24 bytes at 'from'; 'at' then stands on the quote behind it. */
const judgeTime: a.Code[] = [
  set('at', add(get('from'), i32(TIME_LEAST.length))),
  when(a.ne(load8(get('at'), TEXT), i32(QUOTE)), unsure),
  when(
    or(
      anyOutside(0, TIME_LEAST.subarray(0, VECTOR), TIME_MOST.subarray(0, VECTOR)),
      anyOutside(8, TIME_LEAST.subarray(8), TIME_MOST.subarray(8)),
    ),
    unsure,
  ),
  set('month', twoDigits(5)),
  set('day', twoDigits(8)),
  when(or(a.isZero(get('month')), a.greater(get('month'), i32(12))), unsure),
  when(a.isZero(get('day')), unsure),
  when(
    a.greater(get('day'), i32(28)),
    when(a.eq(get('month'), i32(FEBRUARY)), unsure),
    when(
      a.greater(get('day'), add(i32(30), and(a.shr(i32(LONG_MONTHS), get('month')), i32(1)))),
      unsure,
    ),
  ),
  when(a.greater(twoDigits(11), i32(23)), unsure),
];

/** Digits from 'at' on; it then stands behind them. */
const judgeInteger: a.Code[] = [
  block(
    'number',
    loop(
      'digits',
      branchIf('number', a.atLeast(get('at'), get('length'))),
      set('some', sub(load8(get('at'), TEXT), i32(ZERO))),
      branchIf('number', or(a.less(get('some'), i32(0)), a.greater(get('some'), i32(9)))),
      set('at', add(get('at'), i32(1))),
      branch('digits'),
    ),
  ),
  when(and(a.eq(load8(get('from'), TEXT), i32(ZERO)), a.greater(length, i32(1))), unsure),
];

const anyIs = (byte: number) => a.equalBytes(a.loadVector(get('at'), TEXT), a.vectorOf(byte));

/** To the next quote; 'at' then stands on it. What may not stand in a string ends it too. */
const judgeString: a.Code[] = [
  block(
    'closed',
    loop(
      'open',
      set(
        'some',
        a.bitmask(
          a.orBytes(
            a.orBytes(anyIs(QUOTE), anyIs(BACKSLASH)),
            a.lessBytes(a.loadVector(get('at'), TEXT), a.vectorOf(SPACE)),
          ),
        ),
      ),
      branchIf('closed', get('some')),
      set('at', add(get('at'), i32(VECTOR))),
      branchIf('open', a.less(get('at'), get('length'))),
    ),
    unsure,
  ),
  set('at', add(get('at'), a.trailingZeros(get('some')))),
  when(a.ne(load8(get('at'), TEXT), i32(QUOTE)), unsure),
];

const judgeLength = ({ least, most }: Member): a.Code[] => [
  ...(least > 0 ? [when(a.less(length, i32(least)), unsure)] : []),
  ...(most < TEXT_BYTES ? [when(a.greater(length, i32(most)), unsure)] : []),
];

/** The member, if it stands at 'at', and the comma behind it; out of 'members' behind the brace that ends all. */
const judgeMember = (member: Member, n: number): a.Code => {
  const opening = Buffer.alloc(VECTOR, member.opening);
  const mask = i32((1 << member.opening.length) - 1);
  return block(
    'another',
    branchIf(
      'another',
      a.ne(
        and(a.bitmask(a.equalBytes(a.loadVector(get('at'), TEXT), a.vectorFrom(opening))), mask),
        mask,
      ),
    ),
    when(and(get('seen'), i32(1 << n)), unsure),
    set('seen', or(get('seen'), i32(1 << n))),
    set('from', add(get('at'), i32(member.opening.length))),
    set('at', get('from')),
    ...{ time: judgeTime, integer: judgeInteger, string: judgeString }[member.kind],
    ...(member.kind === 'time' ? [] : judgeLength(member)),
    ...(member.opening.startsWith('"message"')
      ? [a.setGlobal(GLOBALS.messageBegin, get('from')), a.setGlobal(GLOBALS.messageEnd, get('at'))]
      : []),
    ...(member.kind === 'integer' ? [] : [set('at', add(get('at'), i32(1)))]),
    set('some', load8(get('at'), TEXT)),
    set('at', add(get('at'), i32(1))),
    branchIf('members', a.eq(get('some'), i32(CLOSING_BRACE))),
    when(a.ne(get('some'), i32(COMMA)), unsure),
  );
};

/**
 * eventEnd(begin, length): where the line ends that begins there and is an event for sure, its message in the globals;
 * 0 when that is not known. Lines of what OPMAS writes are read once: members come in the order of the schema.
 */
export const eventEnd: a.Func = {
  params: ['begin', 'length'],
  locals: ['at', 'seen', 'before', 'from', 'some', 'month', 'day'],
  result: true,
  body: [
    when(a.ne(load8(get('begin'), TEXT), i32(BRACE)), unsure),
    set('at', add(get('begin'), i32(1))),
    block(
      'members',
      loop(
        'again',
        when(a.atLeast(get('at'), get('length')), unsure),
        set('before', get('at')),
        ...MEMBERS.map(judgeMember),
        branchIf('again', a.ne(get('at'), get('before'))),
      ),
      // What stands there is none of them.
      unsure,
    ),
    when(a.ne(and(get('seen'), i32(REQUIRED)), i32(REQUIRED)), unsure),
    // The text may end here, and what stands behind it means nothing.
    when(a.eq(get('at'), get('length')), a.giveBack(get('at'))),
    when(a.greater(get('at'), get('length')), unsure),
    when(a.ne(load8(get('at'), TEXT), i32(LINE_FEED)), unsure),
    get('at'),
  ],
};
