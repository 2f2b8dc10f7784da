/** Bounds of the end-to-end waits: generous, because the machine may be busy with other tests. */
export const limits = {
  /** From the start of the process to its ready line. */
  startMs: 120_000,
  stopMs: 60_000,
  /** Until agents run. */
  agentsMs: 90_000,
  /** Any other condition. */
  waitMs: 30_000,
  /** Until something shows on the page: below the time of a test, so that the failure says what was missing. */
  pageMs: 15_000,
  /** Something that is tried again, as what it depends on may not have arrived. */
  attempts: 10,
  attemptMs: 3_000,
  outputChars: 200_000,
  pageSize: 500,
} as const;
