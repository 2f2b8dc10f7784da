/** Every bound of the collector in one place. */
export const collectorLimits = {
  /** Events taken and not yet acknowledged by the broker. */
  queuedEvents: 40_000,
  queuedBytes: 64 * 1024 * 1024,
  /** Share of the queue that TCP may fill: the rest is for UDP, which cannot wait. */
  tcpShare: 0.75,
  /** While TCP waits for room, how often it looks. */
  roomCheckMs: 5,
  /** Kernel buffer asked for UDP; the system may give less (net.core.rmem_max). */
  udpBufferBytes: 8 * 1024 * 1024,
  /** TCP connections; at the cap one idle for `idleMs` makes room, else the new one is refused. */
  connections: 1_000,
  idleMs: 10 * 60_000,
  keepAliveMs: 60_000,
  /** TLS handshakes under way beside the connections there are, and how long one may take. */
  handshakes: 100,
  handshakeMs: 10_000,
  statsMs: 10_000,
  /** At the end: a connection silent for so long is done, none is read for longer than `lastReadMs`. */
  quietMs: 100,
  lastReadMs: 1_500,
  /** At the end: how long the broker has to acknowledge what is queued. */
  flushMs: 6_000,
} as const;
