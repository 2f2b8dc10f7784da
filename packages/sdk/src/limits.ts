/** Every bound of an agent's process, so that no input, fault or broken peer makes it grow for ever. */
export const limits = {
  /** Metrics one agent may register. */
  metrics: 256,
  /** Log lines kept while the broker is away; older ones give way and are counted. */
  bufferedLogLines: 256,
  /** Log lines sent to the broker per second; the rest go to stdout alone and are counted. */
  logLinesPerSecond: 50,
  logMessageChars: 8_192,
  /** Levels of a document that sanitising follows, and members it looks at. */
  sanitizeDepth: 16,
  sanitizeMembers: 20_000,
  /** Field names whose verdict is remembered. */
  rememberedNames: 4_096,
  /** A finding as JSON, in bytes; longer details are cut with a mark. */
  findingBytes: 256 * 1024,
  /** Findings one event may make. */
  findingsPerEvent: 1_000,
  /** Findings waiting for the broker's acknowledgement. */
  findingsInFlight: 256,
  /** Event messages being worked or waiting for their findings' acknowledgement, of one topic. */
  messagesInFlight: 64,
  /** Event messages whose progress is remembered between deliveries. */
  progressEntries: 4_096,
  /** Deliveries after which a failing event is dead-lettered, whatever the configuration says. */
  deliveries: 5,
  /** First delay before a failed message comes again; doubled with each delivery, up to the cap. */
  retryDelayMs: 1_000,
  retryDelayCapMs: 15_000,
  /** How often a long batch tells the broker that it is alive (its patience is 30 s). */
  workingMs: 10_000,
  /** Undecodable text kept in a dead letter, in characters. */
  deadLetterChars: 64 * 1024,
  /** How long a finding or dead letter is tried again with the same id. */
  publishRetryMs: 120_000,
  publishTimeoutMs: 5_000,
  /** Answers of the management API. */
  httpBodyBytes: 32 * 1024 * 1024,
  httpTimeoutMs: 10_000,
  /** How long a changed configuration waits for credentials that fit it. */
  renewWaitMs: 15_000,
  /** Between two status messages. */
  statusGapMs: 1_000,
  /** Waits between tries of a server that does not answer. */
  retryFirstMs: 250,
  retryCapMs: 10_000,
  /** Credentials with less life than this are renewed before they are used. */
  credentialMarginMs: 10_000,
  /** Control commands whose answers are remembered, to answer a repeated one alike. */
  rememberedCommands: 256,
  /** Graceful stop: after this what is in flight is given back to the broker. */
  drainMs: 10_000,
  /** How long an error keeps the agent's status degraded. */
  degradedMs: 60_000,
  /** After the end of an agent: time for its last output before the process goes. */
  exitGraceMs: 500,
  /** A discovery file or `rules.json` of a package. */
  packageFileBytes: 8 * 1024 * 1024,
} as const;
