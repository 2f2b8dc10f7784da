/** Bounds of the test kit's waits and lists. */
export const limits = {
  /** A condition that has not come true by then fails its test. */
  waitForMs: 10_000,
  /** Between two looks at a condition: at first, at most, and of the time waited. */
  pollMs: 5,
  pollMostMs: 50,
  pollShare: 0.05,
  /** Longest request line on the run's socket. */
  requestBytes: 4_096,
  postgresConnections: 100,
} as const;
