/** Every bound of the launcher, so that no wait, file or list can grow without one. */
export const limits = {
  /** From spawn to the ready line of server, host and collector. */
  childReadyMs: 60_000,
  /** From spawn to the first accepted connection; covers crash recovery of a large database. */
  postgresReadyMs: 120_000,
  /** From spawn to the broker's first answer; covers the recovery of a large store. */
  natsReadyMs: 60_000,
  initdbMs: 120_000,
  /** One ready line, in bytes. */
  readyLineBytes: 65_536,
  /** Time a child has after its stop signal before its process group is killed. */
  serverGraceMs: 15_000,
  hostGraceMs: 20_000,
  collectorGraceMs: 10_000,
  natsGraceMs: 10_000,
  postgresGraceMs: 30_000,
  /** Time for a killed process to leave the process table. */
  killMs: 5_000,
  /** Restart: the first at once, then this, doubled up to the cap. */
  backoffFirstMs: 250,
  backoffCapMs: 10_000,
  /** Ready this long: the next death counts as the first again. */
  backoffResetMs: 60_000,
  /** A log file is cut at this size; this many older ones are kept. */
  logBytes: 10 * 1024 * 1024,
  logFiles: 5,
  logCheckMs: 5_000,
  /** Log text quoted in an error. */
  logTailBytes: 4_096,
  /** Log text searched for errors at a time, and how many of them are passed on. */
  logScanBytes: 262_144,
  logErrorLines: 5,
  /** The longest path a Unix socket may have (sun_path without its end mark). */
  socketPathBytes: 107,
  /** How long `down` waits for the other process to end. */
  downMs: 90_000,
  /** Processes looked at when searching leftovers and port holders. */
  processScan: 100_000,
  lockAttempts: 100,
  /** How often certificates are looked at for renewal; they have a month left then. */
  certificateCheckMs: 60 * 60_000,
  /** Names and addresses of this machine in its certificate. */
  certifiedNames: 60,
  /** How often the authorities to trust are gathered anew, and the size of one file of them. */
  authoritiesCheckMs: 5_000,
  authoritiesBytes: 1024 * 1024,
} as const;
