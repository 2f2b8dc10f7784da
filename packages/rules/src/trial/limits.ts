/** What a trial may keep and answer. */
export const trialLimits = {
  /** Events matched in one scan, as an agent's batches. */
  batchEvents: 1_000,
  /** Rules listed, those that told most first. */
  rules: 1_000,
  /** Of what was told, and of each side of the difference. */
  told: 20,
  differences: 20,
  messageChars: 512,
  /** Rules are measured one by one on so many events, as long as there is time. */
  costEvents: 500,
  costMs: 1_000,
  /** Rules whose steps are told of one event. */
  explainedRules: 50,
} as const;
