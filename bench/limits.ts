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
} as const;
