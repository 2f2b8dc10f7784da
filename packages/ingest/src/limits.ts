/** Every bound of the entry path in one place, with its reason. */
export const ingestLimits = {
  /** A syslog line, in bytes; longer ones are cut here. JSON escapes at most six-fold: well under 1 MB. */
  lineBytes: 64 * 1024,
  /** Digits of an octet count; a longer run of digits is text. */
  countDigits: 7,
  /** Characters in which a program's name (with path and pid) must end. */
  tagChars: 160,
  /** Lengths that the event schema allows. */
  hostChars: 255,
  programChars: 255,
  /** Parameters of one line's structured data; what follows is left in the line, unread. */
  structuredParams: 256,
  /** Characters of a kernel message that routing looks at. */
  routedChars: 1024,
  /** Rules in a routing file, and its size in bytes. */
  routingRules: 1000,
  routingFileBytes: 256 * 1024,
  /** Faults reported of one routing file. */
  routingFaults: 100,
  /** Levels of objects and lists in an event posted over HTTP: what reads it later may recurse. */
  eventDepth: 32,
  /** One message of a posted batch: events, and bytes of NDJSON (a single larger event goes alone). */
  batchEvents: 500,
  batchBytes: 256 * 1024,
  /** Characters of one rejection's reason. */
  rejectionChars: 300,
  /** A device's clock may be ahead by this much; then, or before `oldestTime`, the receive time counts. */
  futureSkewMs: 24 * 3600 * 1000,
  /** 2000-01-01: a router without a battery starts in 1970. */
  oldestTime: 946_684_800_000,
} as const;
