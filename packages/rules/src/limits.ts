/** Bounds of the rule engine; those both ends of a wire share are in the protocol. */
export const limits = {
  /** Characters of a regular expression: bounds the automaton, and so the cost of one character. */
  regexChars: 1_024,
  /** Class ranges beyond ASCII in one case-insensitive expression: each takes a look at 2,800 letters. */
  foldedRanges: 8,
  /** Longest message given to the backtracking matcher; longer ones go to the linear one. */
  backtrackingChars: 512,
  /** A regular expression slower than this, in milliseconds, gets a strike. */
  slowMs: 1,
  /** After so many strikes among `strikeCalls` calls a rule is matched by the linear matcher alone. */
  strikes: 3,
  /** Strikes are forgiven after so many calls: a busy machine also makes a call look slow now and then. */
  strikeCalls: 1_000,
  /** Entries of the automaton's table, of 4 bytes: with more rules it looks for less of each literal. */
  automatonEntries: 4_000_000,
  /** Characters of a literal that the automaton looks for: at most, and at least. */
  needleMaxChars: 32,
  needleMinChars: 8,
  /** A shorter literal passes too many lines to be worth looking for. */
  literalMinChars: 3,
  /** Characters of a literal that are kept. */
  literalMaxChars: 64,
  /** Literals one rule may bring to the automaton. */
  literalsPerRule: 16,
  /** Rules without a literal, tried on every event, before a warning. */
  unfilteredRules: 50,
  /** Faults, and warnings, reported of one rule set. */
  faults: 200,
  /** Conditions of one rule's `where`. */
  conditions: 16,
  /** Values of one "one of" condition. */
  conditionValues: 256,
  /** Characters of a condition's value. */
  conditionChars: 1_024,
  /** Named groups of a match, and characters of each, that are kept. */
  groups: 32,
  groupChars: 1_024,
} as const;
