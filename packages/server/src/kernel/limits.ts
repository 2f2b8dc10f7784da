/** Every bound of the server, in one place. */
export const limits = {
  bodyBytes: 1024 * 1024,
  /** Levels of objects and lists in a body or message: what handles it later may recurse. */
  jsonDepth: 64,
  headerBytes: 16 * 1024,
  requestTimeoutMs: 30_000,
  /** Database connections of one server process. */
  databaseConnections: 10,
  statementTimeoutMs: 15_000,
  /** Findings written in one statement. */
  findingsBatch: 500,
  telemetryBatch: 1_000,
  /** How long a batch may wait for company. */
  ingestLingerMs: 20,
  outboxBatch: 500,
  /** WebSocket clients, and what one of them may leave unread before it is cut. */
  feedClients: 1_000,
  feedBufferBytes: 4 * 1024 * 1024,
  feedAuthTimeoutMs: 10_000,
  feedResumeMessages: 5_000,
  /** Details of a finding told to live clients, in bytes; larger ones are read from the list. */
  feedDetailsBytes: 64 * 1024,
  /** Kinds of refusal counted at once, and how long equal ones are counted before they are written. */
  refusals: 1_000,
  refusalsMs: 10_000,
  /** Points of one metric series. */
  metricPoints: 11_000,
  /** Package folders looked at, and the size of one. */
  packages: 1_000,
  packageFiles: 2_000,
  packageBytes: 100 * 1024 * 1024,
} as const;
