/** Chooses by which literals a rule is looked for, and by which few characters of each. */
import { limits } from '../limits.ts';
import type { Literal, LiteralSet } from './literals.ts';
import { GRAM, type Traffic } from './traffic.ts';

/** A literal and the part of it that the automaton looks for. */
export interface Needle {
  literal: Literal;
  /** Where the window begins in the literal, and its length. */
  at: number;
  length: number;
  /** Rules that cannot match without this literal or another needle of theirs. */
  rules: number[];
}

export interface Chosen {
  needles: Needle[];
  /** Rules without any choice: to be tried on every text. */
  always: number[];
}

/** What a window costs that never occurs in the traffic: sharing it then still counts. */
const BASE_COST = 0.05;
/** What one look at a candidate costs, against the work on a line without any. */
const LOOK_COST = 8;
/**
 * What a window costs of which no six characters in a row are rare, by how common they are: one new character
 * at its end makes a window that was never seen, but tomorrow's traffic may well have it.
 */
const RUN_COST = 0.05;
/** What occurs in fewer lines than this is rare, and nothing is gained by being rarer. */
const RARE = 0.01;
/** Expected occurrences in a line of a window that is too short to be estimated by runs of four. */
const SHORT_FREQUENCY = 0.5;

/**
 * For each rule the set whose windows are rarest in `traffic`. A window that other literals have already
 * counts dearer: a hostile line that repeats a shared window has all of them compared.
 * @param choices by rule, the sets to choose from
 * @param chars length of a window, at most
 */
export function* chooseWindows(
  choices: readonly (readonly LiteralSet[])[],
  traffic: Traffic,
  chars: number,
): Generator<void, Chosen> {
  const needles = new Map<string, Needle>();
  const onWindow = new Map<string, number>();
  const always: number[] = [];
  for (const [rule, sets] of choices.entries()) {
    if (rule % limits.rulesPerSlice === limits.rulesPerSlice - 1) yield;
    const best = cheapest(sets, (literal) => {
      const known = needles.get(keyOf(literal));
      // A literal that is looked for anyway costs its comparison alone.
      if (known !== undefined)
        return { literal, at: known.at, length: known.length, cost: BASE_COST };
      return cheapestWindow(literal, chars, traffic, onWindow);
    });
    if (best === undefined) {
      always.push(rule);
      continue;
    }
    for (const { literal, at, length } of best) {
      const key = keyOf(literal);
      const known = needles.get(key);
      if (known === undefined) {
        needles.set(key, { literal, at, length, rules: [rule] });
        const window = windowOf(literal, at, length);
        onWindow.set(window, (onWindow.get(window) ?? 0) + 1);
      } else if (known.rules.at(-1) !== rule) known.rules.push(rule);
    }
  }
  return { needles: [...needles.values()], always };
}

interface Window {
  literal: Literal;
  at: number;
  length: number;
  cost: number;
}

function cheapest(
  sets: readonly LiteralSet[],
  windowFor: (literal: Literal) => Window,
): Window[] | undefined {
  let best: Window[] | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const set of sets) {
    const windows = set.map(windowFor);
    const cost = windows.reduce((sum, window) => sum + window.cost, 0);
    if (cost >= least) continue;
    best = windows;
    least = cost;
  }
  return best;
}

function cheapestWindow(
  literal: Literal,
  chars: number,
  traffic: Traffic,
  onWindow: ReadonlyMap<string, number>,
): Window {
  const { text } = literal;
  const length = Math.min(chars, text.length);
  const frequencies = traffic.frequencies(text);
  const best = { literal, at: 0, length, cost: Number.POSITIVE_INFINITY };
  for (let at = 0; at + length <= text.length; at++) {
    let rarest = length < GRAM ? SHORT_FREQUENCY : Number.POSITIVE_INFINITY;
    let rareRun = Number.POSITIVE_INFINITY;
    for (let gram = at; gram + GRAM <= at + length; gram++) {
      const frequency = frequencies[gram] ?? 0;
      rarest = Math.min(rarest, frequency);
      if (gram < at + 2) continue;
      const before = Math.max(frequencies[gram - 1] ?? 0, frequencies[gram - 2] ?? 0);
      rareRun = Math.min(rareRun, Math.max(frequency, before));
    }
    // Of equals the first: it begins with what lines begin with too, in states that are in use anyway.
    const alone =
      (rarest > RARE ? rarest : 0) * LOOK_COST + BASE_COST + (rareRun > RARE ? RUN_COST : 0);
    if (alone >= best.cost) continue;
    const cost = alone * (1 + (onWindow.get(windowOf(literal, at, length)) ?? 0));
    if (cost >= best.cost) continue;
    best.at = at;
    best.cost = cost;
  }
  return best;
}

/** As the automaton sees it: letters of both cases are the same. */
function windowOf({ text }: Literal, at: number, length: number): string {
  return text.slice(at, at + length).toLowerCase();
}

function keyOf({ text, fold }: Literal): string {
  return fold ? `i${text.toLowerCase()}` : `=${text}`;
}
