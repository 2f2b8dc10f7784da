/** Sizes and waits of the benchmarks. */
export const limits = {
  /** Rules of the benchmark's agent. */
  rules: 1_000,
  /** Lines written at once by the generator. */
  chunkLines: 100,
  /** Different chunks before the benign lines repeat. */
  chunks: 100,
  /** B3: lines sent before the measured run, so that every process has compiled its hot code. */
  warmUpLines: 100_000,
  /** B3: bound of one run, whatever the seconds. */
  maxLines: 6_000_000,
  /** After the last line: until the last finding's row is there. */
  settleMs: 300_000,
  /** B4: how often the table is asked for new rows. */
  pollMs: 3,
  /** B9: silence before memory is read. */
  idleMs: 20_000,
  /** B9: warm starts, of which the median counts. */
  warmStarts: 3,
  /** Lines for a peer that is too slow for the whole stream. */
  slowPeerLines: 20_000,
  peerMs: 120_000,
  /** B1: lines of one pass, as many a second of `--seconds` at most, and of hostile ones. */
  ruleLines: 1_000_000,
  ruleLinesPerSecond: 50_000,
  hostileLines: 20_000,
  /** B1, B2: rounds of alternated passes, of which the median counts; and passes before that do not. */
  rounds: 5,
  warmUpRounds: 2,
  ruleCounts: [10, 100, 1_000, 10_000],
  /** B1, B2: lines that the plain loop, and what is as slow, gets. */
  plainLoopLines: 4_000,
  /** B1 --verify: lines and rules of one comparison with the plain loop. */
  verifiedLines: 2_000,
  verifiedRules: 100,
  /** B2: passes that do not count: an agent's code is compiled for good after a million events. */
  stepWarmUpRounds: 12,
  /** B2: events of one pass. */
  stepEvents: 100_000,
} as const;
