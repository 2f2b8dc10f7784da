/** Bounds of the rule engine; those both ends of a wire share are in the protocol. */
export const limits = {
  /** Characters of a regular expression: bounds the automaton, and so the cost of one character. */
  regexChars: 1_024,
  /** Places of a regular expression with its repeats written out. */
  regexPlaces: 1_024,
  /** Steps spent on finding out which of them may follow which, and which can be alive together: milliseconds. */
  regexConnections: 262_144,
  regexPairs: 262_144,
  /**
   * Places that may be alive at once: each costs the linear matcher 30 to 60 ns a character, so that a message
   * of 8,192 takes less than 30 ms, and the usual expressions with less than ten such places less than 5.
   */
  regexWidth: 64,
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
  /** With so many looks over the budget among `fuseLooks` a rule is taken out of service. */
  fuseStrikes: 20,
  fuseLooks: 1_000,
  /** Time of expressions, in milliseconds, after which a batch in slices gives the event loop back. */
  sliceMs: 15,
  /** Words of 4 bytes in the automaton's rows: with more rules it looks for less of each literal. */
  automatonEntries: 4_000_000,
  /** Characters of a literal that the automaton looks for, at most; 2 less at a time where there is no room. */
  windowChars: 10,
  /** A shorter literal passes too many lines to be worth looking for. */
  literalMinChars: 3,
  /** Characters of a literal that are kept. */
  literalMaxChars: 256,
  /** Literals of one set, of which one must stand in a text; and sets to choose from for one rule. */
  literalsPerRule: 16,
  choicesPerRule: 16,
  /** Characters of a line that count for the frequencies, and lines after which older ones count half. */
  observedChars: 512,
  observedLines: 65_536,
  /** Rules worked on at a stretch while tables are built beside other work: a millisecond or two. */
  rulesPerSlice: 256,
  /** Literals compared per event above which their choice is held to be bad for the traffic. */
  comparedPerEvent: 0.5,
  /** Events before a choice is made anew, four times as many before each further time; and sampled lines. */
  retuneEvents: 65_536,
  retuneLines: 256,
  /** One of so many events that need not be read is read all the same, unless the caller says otherwise. */
  validateOneIn: 100,
  /** Rules without a literal, tried on every event, before a warning. */
  unfilteredRules: 50,
  /** Faults, and warnings, reported of one rule set. */
  faults: 200,
  /** Conditions of one rule's `where`. */
  conditions: 16,
  /** Events that the examples of a rule set play, all of them together: seconds. */
  exampleEvents: 200_000,
  /** Values of one "one of" condition. */
  conditionValues: 256,
  /** Characters of a condition's value. */
  conditionChars: 1_024,
  /** Named groups of a match, and characters of each, that are kept. */
  groups: 32,
  groupChars: 1_024,
} as const;
