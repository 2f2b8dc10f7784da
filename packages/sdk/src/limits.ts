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
  /** Actions one agent may register. */
  actions: 64,
  /** Size from which the file of windows is written anew, when it is also four times what it then was. */
  windowLogBytes: 4 * 1024 * 1024,
  /** Lines of it made at a stretch. */
  windowLinesAtOnce: 500,
  /** How often an instance that stands by looks whether the other is gone. */
  standbyMs: 1_000,
  /** How often absence is looked for while something is waited for. */
  absenceLookMs: 1_000,
  /** An absence that could not be told is tried again after so long, twice as long each time, up to the cap. */
  absenceRetryMs: 1_000,
  absenceRetryCapMs: 60_000,
  /** After so many tries it goes to the dead letters. */
  absenceTries: 6,
  /** At the end: how long what is absent, and being told, may take; the next start tells it again. */
  lastTellMs: 2_000,
  /** How often it is told that windows give way. */
  evictionsTellMs: 60_000,
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
  /** By then the broker has sent again what an earlier start left behind: its patience of 30 s, and the longest delay. */
  resendMs: 47_000,
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
  /** Starts without proof after which a configuration is given up for the last one that has proven itself. */
  unprovenStarts: 3,
  /** How long it must go well with a configuration, without a failure, until it has proven itself. */
  provenMs: 10_000,
  /** Configurations that failed here and are remembered. */
  failedConfigs: 20,
  /** How long an agent may take to follow a changed configuration; then, and once more, to go back to the one before. */
  followMs: 12_000,
  /** Between two status messages. */
  statusGapMs: 1_000,
  /** Waits between tries of a server that does not answer. */
  retryFirstMs: 250,
  retryCapMs: 10_000,
  /** Credentials with less life than this are renewed before they are used. */
  credentialMarginMs: 10_000,
  /** Control commands whose answers are remembered, to answer a repeated one alike. */
  rememberedCommands: 256,
  /** A command to drain: after this what is in flight is given back to the broker. */
  drainMs: 10_000,
  /** From the signal to end until the process is killed, where the host does not say. */
  stopGraceMs: 10_000,
  /**
   * Shares of that time after which the next part of the end begins: what is in flight; the last words; windows and
   * configuration; the connection. The rest is for the process to go.
   */
  drainShare: 0.5,
  lastWordsShare: 0.6,
  keepShare: 0.8,
  closeShare: 0.9,
  /** How long an error keeps the agent's status degraded. */
  degradedMs: 60_000,
  /** After the end of an agent: time for its last output before the process goes. */
  exitGraceMs: 500,
  /** A discovery file or `rules.json` of a package. */
  packageFileBytes: 8 * 1024 * 1024,
  /** How often the authorities to trust are looked at. */
  authoritiesCheckMs: 2_000,
  /** Milliseconds that a rule may take for one message, unless the configuration says otherwise. */
  ruleBudgetMs: 10,
  /** Rules out of service that are told, and those of former configurations that are remembered. */
  disabledRules: 100,
  rememberedFuses: 20_000,
  /** Of events that no rule can match, one in so many is read and validated, unless the configuration says otherwise. */
  validateEvery: 100,
  /** Share of a message that may have to be read, for screening to pay; messages read whole after it did not. */
  screenedShare: 0.5,
  screenPause: 64,
  /** Events of a topic that are read after an invalid one, before others are left unread; topics remembered. */
  trustedEvents: 10_000,
  distrustedTopics: 256,
  /** Sources of events that are remembered and told; events a second whose host is looked at: 0.15 µs each. */
  sources: 2_000,
  hostsPerSecond: 20_000,
  hostBytes: 255,
  /** Work on events after which the event loop has its turn. */
  breathMs: 15,
  /** The same of work that is made of short steps. */
  stepsMs: 4,
  /** Measuring what rules cost: events, characters of each, rules and milliseconds at one report. */
  costEvents: 16,
  costChars: 256,
  costRules: 200,
  costMs: 5,
} as const;
