/** Bounds that both ends of a wire must agree on. */
export const limits = {
  /** An event, in bytes of JSON (specification 14.1). */
  eventBytes: 1_000_000,
  /** Events in one NATS message (specification 14.1). */
  batchEvents: 1_000,
  /** Events in one `POST /events`. */
  httpEvents: 10_000,
  /** Body of `POST /events`, in bytes. */
  httpEventsBytes: 16 * 1024 * 1024,
  /** A discovery file, in bytes. */
  manifestBytes: 64 * 1024,
  /** Rules of one agent. */
  rules: 20_000,
  /** Characters of a message that rules look at; the rest is kept but not matched. */
  matchedChars: 8_192,
  /** A list answer. */
  pageDefault: 50,
  pageMax: 500,
} as const;
