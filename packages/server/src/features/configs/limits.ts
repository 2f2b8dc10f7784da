/** Bounds of configurations. */
export const configLimits = {
  /** Characters of documents kept in memory. */
  cachedChars: 16 * 1024 * 1024,
  cachedSelectors: 1_000,
  groups: 200,
  /** Of one key of a document. */
  keyChars: 255,
  /** Agents named when a write is refused for their sake, and faults told of each. */
  refusedAgents: 20,
  refusedFaults: 5,
  /** Agents whose changes a validation tells, and changes of each. */
  affectedAgents: 100,
  affectedChanges: 20,
  /** Entries of one diff. */
  diffEntries: 500,
  /** Versions of a layer read at once, and characters of their documents on one page of them. */
  historyRead: 10,
  historyChars: 8 * 1024 * 1024,
  /** Runtime layers emptied in one go, and how often it is looked for them. */
  expiries: 100,
  expiryMs: 1_000,
  /** The longest that a runtime layer may be asked to last, in seconds: 30 days. */
  runtimeSeconds: 30 * 86_400,
  /** Drafts, those of one layer, and how long one is kept that nobody changes: 30 days. */
  drafts: 500,
  draftsOfScope: 20,
  draftMs: 30 * 86_400_000,
  /** Agents told at once that their configuration changed. */
  pushes: 50,
} as const;
