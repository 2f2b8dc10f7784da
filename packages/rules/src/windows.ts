/** Chooses which part of each literal the automaton looks for, so that its table stays within bounds. */
import { limits } from './limits.ts';

/** A rule's literal, or the part of it that is looked for. */
export interface Needle {
  rule: number;
  text: string;
}

/** Characters whose frequency among the literals tells how telling a part is. */
const GRAM = 3;

/**
 * Cuts literals that are too long for all to fit: to the part that the fewest other literals share.
 * @param width entries of one state
 * @returns the needles, and the rules left out for want of room, which must be tried on every text
 */
export function chooseWindows(
  literals: readonly Needle[],
  width: number,
): { needles: Needle[]; left: ReadonlySet<number> } {
  const room = Math.floor(limits.automatonEntries / width);
  let chars: number = limits.needleMaxChars;
  while (chars > limits.needleMinChars && lettersOf(literals, chars) > room) chars /= 2;
  const counts = gramCounts(literals.filter(({ text }) => text.length > chars));
  const needles: Needle[] = [];
  const left = new Set<number>();
  let letters = 0;
  for (const { rule, text } of literals) {
    letters += Math.min(text.length, chars);
    if (letters > room) left.add(rule);
    else needles.push({ rule, text: rarest(text, chars, counts) });
  }
  return { needles, left };
}

function lettersOf(literals: readonly Needle[], chars: number): number {
  return literals.reduce((sum, { text }) => sum + Math.min(text.length, chars), 0);
}

function gramCounts(literals: readonly Needle[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const { text } of literals) {
    for (const gram of gramsOf(text)) counts.set(gram, (counts.get(gram) ?? 0) + 1);
  }
  return counts;
}

function gramsOf(text: string): string[] {
  const lower = text.toLowerCase();
  return Array.from({ length: Math.max(0, text.length - GRAM + 1) }, (_, at) =>
    lower.slice(at, at + GRAM),
  );
}

/** The window of `chars` characters whose grams are rarest; the last of equals. */
function rarest(text: string, chars: number, counts: ReadonlyMap<string, number>): string {
  if (text.length <= chars) return text;
  const weights = gramsOf(text).map((gram) => counts.get(gram) ?? 0);
  const span = chars - GRAM + 1;
  let sum = weights.slice(0, span).reduce((total, weight) => total + weight, 0);
  let least = sum;
  let begin = 0;
  for (let at = 1; at + chars <= text.length; at++) {
    sum += (weights[at + span - 1] ?? 0) - (weights[at - 1] ?? 0);
    if (sum > least) continue;
    least = sum;
    begin = at;
  }
  return text.slice(begin, begin + chars);
}
