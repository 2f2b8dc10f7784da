/** Every bound of the server, in one place. */
export const limits = {
  bodyBytes: 1024 * 1024,
  /** A body of a call that needs no token: the longest registration fits. */
  openBodyBytes: 64 * 1024,
  /** Bodies held at once, those of one caller, and up to where one is not counted: sign-in always has room. */
  bodiesHeldBytes: 256 * 1024 * 1024,
  bodiesHeldBytesOfOne: 96 * 1024 * 1024,
  smallBodyBytes: 8 * 1024,
  /** Levels of objects and lists in a body or message: what handles it later may recurse. */
  jsonDepth: 64,
  headerBytes: 16 * 1024,
  requestTimeoutMs: 30_000,
  /** The head of a request has to arrive within this, and a connection without a request ends. */
  headersTimeoutMs: 10_000,
  /** A TLS handshake that is not done by then is cut off. */
  handshakeMs: 10_000,
  keepAliveMs: 72_000,
  /** How often connections are looked at for the limits of time. */
  connectionsCheckMs: 1_000,
  /** Open HTTP connections, and those of one address. */
  httpConnections: 8_000,
  httpConnectionsOfOne: 2_000,
  /** Of what a caller says its program is. */
  userAgentChars: 256,
  /** Callers whose calls are counted at once. */
  rateKeys: 20_000,
  /** A report of a browser, the kinds of them that are logged, and what is logged of a text in one. */
  cspReportBytes: 8 * 1024,
  cspReportKinds: 100,
  cspReportText: 256,
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
  /** WebSocket clients of one user, token or agent; messages one socket may send in a minute, and the size of one. */
  feedClientsOfOne: 50,
  feedMessagesAMinute: 60,
  feedMessageBytes: 16 * 1024,
  feedBufferBytes: 4 * 1024 * 1024,
  feedAuthTimeoutMs: 10_000,
  feedResumeMessages: 5_000,
  /** Details of a finding told to live clients, in bytes; larger ones are read from the list. */
  feedDetailsBytes: 64 * 1024,
  /** Kinds of refusal counted at once, and how long equal ones are counted before they are written. */
  refusals: 1_000,
  refusalsMs: 10_000,
  roles: 200,
  livingTokens: 5_000,
  /** Between two looks at the database: every living one, with room for those that were just revoked. */
  tokensRemembered: 10_000,
  /** Agents whose speaking instance is remembered, and addresses that tried tokens that are none. */
  slotsRemembered: 200_000,
  /** What another replica revoked, and did not live to tell the broker, is told within this time. */
  revocationsMs: 500,
  throttledAddresses: 10_000,
  /** Passwords hashed at once (19 MiB and a core for 20 ms each), and how many may wait for it. */
  passwordHashes: 2,
  passwordWaiting: 32,
  /** Sessions of one user: a further sign-in ends the one used longest ago. */
  sessionsPerUser: 50,
  users: 10_000,
  /** Rows of the throttle of guesses. */
  throttled: 100_000,
  /** How often a replica looks for new signing keys and for a new master key. */
  keysMs: 5_000,
  /** Sealed values rewrapped in one transaction, files looked at, faults told of. */
  sealedBatch: 500,
  sealedFiles: 1_000,
  sealedFaults: 1_000,
  /** How long replicas get to take a new master key over before the old one is dropped. */
  masterKeyOverlapMs: 60_000,
  /** Configurations told to agents and not answered yet, and rows of deliveries in one statement. */
  deliveriesInFlight: 500,
  deliveryBatch: 500,
  /** How often deliveries are looked at when nothing wakes them. */
  deliveriesMs: 500,
  /** Points of one metric series. */
  metricPoints: 11_000,
  /** Package folders looked at. */
  packages: 1_000,
  /** Keys that packages may be signed with. */
  publishers: 1_000,
  /** A row of the audit log: JSON of details, of before and of after; texts, lists and depth in them. */
  auditBytes: 32 * 1024,
  auditTextChars: 2_000,
  auditNameChars: 256,
  auditItems: 200,
  auditDepth: 16,
  /** People one row may name. */
  auditPersons: 20,
  /** Ids reserved at once. */
  auditIds: 50,
  /** Rows chained in one transaction, and how often it is looked for them. */
  sealBatch: 500,
  sealMs: 400,
  /** A checkpoint after so many rows, or this long after the first that none vouches for. */
  checkpointRows: 1_000,
  checkpointMs: 60_000,
  /** Of one line of their file (they have less than 512), and lines that are heard of one link. */
  checkpointBytes: 4 * 1024,
  checkpointsOfLink: 4,
  /** Links verified by one call, and read at once. */
  verifyLinks: 5_000,
  verifyBatch: 500,
  /** Parts of a person erased by one statement. */
  eraseBatch: 5_000,
} as const;
