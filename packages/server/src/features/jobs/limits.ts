/** Bounds of jobs. */
export const jobLimits = {
  /** Jobs under way at once. */
  open: 20,
  agents: 10_000,
  waves: 20,
  purposeChars: 1_024,
  /** Of reasons that the engine writes. */
  reasonChars: 1_024,
  /** Seconds of a wave until its agents must have an outcome. */
  deadlineSeconds: { min: 10, max: 86_400, default: 300 },
  /** Seconds a wave is watched. */
  settleSeconds: { max: 86_400, default: 30 },
  /** How long a job may stand still, in seconds: then it goes back, or ends. */
  pausedSeconds: 86_400,
  /** Agents told in one round, each in a transaction of its own. */
  actionsARound: 100,
  /** Moves of one job in one round. */
  movesARound: 50,
  /** How often jobs are looked at when nothing wakes the engine. */
  lookMs: 1_000,
  /** Agents named in a reason. */
  namedAgents: 3,
  /** Agents whose ids travel with a live message, so that limited callers can be told too. */
  toldAgents: 200,
  /** Ended jobs are kept this long, and no more than these. */
  keptMs: 90 * 86_400_000,
  kept: 1_000,
} as const;
