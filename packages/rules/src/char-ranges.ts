/** The characters an element of an expression takes, as ranges: so two are compared without trying characters. */
import type { AST } from '@eslint-community/regexpp';

/** First and last of each range in turn, ascending; no two ranges overlap or touch. */
export type CharRanges = readonly number[];

const LAST = 0xffff;
const DIGIT: CharRanges = [0x30, 0x39];
const WORD: CharRanges = [0x30, 0x39, 0x41, 0x5a, 0x5f, 0x5f, 0x61, 0x7a];
const LINE_END: CharRanges = [0x0a, 0x0a, 0x0d, 0x0d, 0x2028, 0x2029];
// biome-ignore format: pairs
const SPACE: CharRanges = [
  0x09, 0x0d, 0x20, 0x20, 0xa0, 0xa0, 0x1680, 0x1680, 0x2000, 0x200a, 0x2028, 0x2029, 0x202f, 0x202f,
  0x205f, 0x205f, 0x3000, 0x3000, 0xfeff, 0xfeff,
];

/**
 * The UTF-16 code units that `element` takes, without the flags `i`, `u` and `v`.
 * @param dotAll does `.` take line ends
 * @returns none for what takes no character, as an assertion
 */
export function rangesOf(element: AST.Element, dotAll: boolean): CharRanges {
  switch (element.type) {
    case 'Character':
      return [element.value, element.value];
    case 'CharacterSet':
      return setRanges(element, dotAll);
    case 'CharacterClass': {
      const taken = union(element.elements.map(memberRanges));
      return element.negate ? complement(taken) : taken;
    }
    default:
      return [];
  }
}

/** Is there a character that both take? */
export function haveCommon(one: CharRanges, other: CharRanges): boolean {
  for (let i = 0, j = 0; i < one.length && j < other.length; ) {
    if (at(one, i + 1) < at(other, j)) i += 2;
    else if (at(other, j + 1) < at(one, i)) j += 2;
    else return true;
  }
  return false;
}

function memberRanges(member: AST.CharacterClass['elements'][number]): CharRanges {
  switch (member.type) {
    case 'Character':
      return [member.value, member.value];
    case 'CharacterClassRange':
      return [member.min.value, member.max.value];
    case 'CharacterSet':
      return setRanges(member, false);
    default:
      // Only with the flag v, which rules do not have.
      return [0, LAST];
  }
}

function setRanges(set: AST.CharacterSet, dotAll: boolean): CharRanges {
  if (set.kind === 'any') return dotAll ? [0, LAST] : complement(LINE_END);
  if (set.kind === 'property') return [0, LAST];
  const taken = set.kind === 'digit' ? DIGIT : set.kind === 'space' ? SPACE : WORD;
  return set.negate ? complement(taken) : taken;
}

function union(lists: readonly CharRanges[]): CharRanges {
  const ranges: [number, number][] = [];
  for (const list of lists) {
    for (let i = 0; i < list.length; i += 2) ranges.push([at(list, i), at(list, i + 1)]);
  }
  ranges.sort(([a], [b]) => a - b);
  const joined: number[] = [];
  for (const [first, last] of ranges) {
    const end = joined.at(-1);
    if (end !== undefined && first <= end + 1) joined[joined.length - 1] = Math.max(end, last);
    else joined.push(first, last);
  }
  return joined;
}

function complement(ranges: CharRanges): CharRanges {
  const rest: number[] = [];
  let next = 0;
  for (let i = 0; i < ranges.length; i += 2) {
    if (at(ranges, i) > next) rest.push(next, at(ranges, i) - 1);
    next = at(ranges, i + 1) + 1;
  }
  if (next <= LAST) rest.push(next, LAST);
  return rest;
}

function at(ranges: CharRanges, index: number): number {
  return ranges[index] ?? 0;
}
