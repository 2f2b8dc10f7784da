/** Bounds of trying rules. */
export const rulesLimits = {
  /** Events in the body of a trial, and those of which every step is told. */
  givenEvents: 1_000,
  explainedEvents: 100,
  /** The newest so many of the recorded events. */
  lastEvents: 100_000,
  lastEventsDefault: 10_000,
  /** Recorded events worked in one trial, and bytes read for it. */
  recordedEvents: 2_000_000,
  recordedBytes: 256 * 1024 * 1024,
  /** Topics that one trial reads. */
  topics: 20,
  /** A whole trial; what is not done by then is left out. */
  trialMs: 20_000,
  /** At a stretch in the thread, and how long it may be silent before it is given up. */
  sliceMs: 500,
  answerMs: 8_000,
  /** For measuring rules one by one. */
  costMs: 1_000,
  workerMb: 512,
  /** Trials at once, and checks of rules waiting. */
  trials: 2,
  checksWaiting: 32,
  /** An idle thread ends after this. */
  restMs: 10_000,
  faults: 50,
  /** Agents named with a rule. */
  namedAgents: 50,
} as const;
