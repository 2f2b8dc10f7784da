/** Every bound of the bus in one place; each is a default a caller may lower. */
export const busLimits = {
  /** Events in one published message, and its size; the linger before a smaller one goes. */
  batchEvents: 100,
  batchBytes: 64_000,
  batchLingerMs: 5,
  /** While messages are unacknowledged, a small one waits up to so many lingers for more events. */
  busyLingers: 5,
  /** Messages published and not yet acknowledged. */
  maxInFlight: 64,
  /** Events taken by a BatchPublisher and not yet acknowledged. */
  maxQueuedEvents: 20_000,
  maxQueuedBytes: 64 * 1024 * 1024,
  /** Silence after which a publish is sent again with the same message id. */
  ackTimeoutMs: 5_000,
  /** Messages a consumer holds in this process. */
  consumerWindow: 64,
  /** One pull request's life at the broker, and its heartbeat; two missed: pull again. */
  pullExpiresMs: 30_000,
  pullHeartbeatMs: 10_000,
  /** How long a consumer may take to say whether it has something. */
  probeMs: 1_000,
  /** By then the broker has sent again what an instance before left behind: its patience, and some. */
  resendMs: 32_000,
  /** Retries: first delay, and the longest. */
  retryMinMs: 100,
  retryMaxMs: 2_000,
  /** One attempt to connect. */
  connectAttemptMs: 5_000,
  /** Wait for answers under way when a connection is replaced or drained. */
  drainMs: 10_000,
  /** Ping of an idle connection; two unanswered close it. */
  pingIntervalMs: 10_000,
  requestTimeoutMs: 5_000,
  /** Messages a reader of a range takes at once, how long it waits for them, and when the broker forgets it. */
  readerMessages: 100,
  readerWaitMs: 2_000,
  readerIdleMs: 30_000,
  /** Payload a consumer is willing to decode. */
  decodeBytes: 8 * 1024 * 1024,
  /** Errors listed by decodeEvents, and characters of a broken line that are kept. */
  decodeErrors: 100,
  decodeExcerpt: 1_024,
  /** Retry of one durable publish. */
  publishRetryForMs: 60_000,
  /** Keys one KV watch keeps track of. */
  watchedKeys: 100_000,
} as const;
