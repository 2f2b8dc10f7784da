// Every bound of the page in one place.
export const limits = {
  /** A request without an answer is given up after this. */
  requestMs: 15_000,
  /** Rows asked for at once (the API's own maximum is 500). */
  agentsPage: 500,
  findingsPage: 100,
  packagesPage: 500,
  /** Pages of agents followed: 10,000 agents. */
  agentsPages: 20,
  /** Findings kept in memory for one filter; older ones need a narrower filter. */
  findingsKept: 5_000,
  /** Findings counted one by one for the tile "today"; above it reads "200+". */
  findingsCounted: 200,
  /** Feed messages held for the next frame; more are applied at once. */
  feedBuffer: 5_000,
  /** Least time between two changes of the page while messages flood in. */
  feedGapMs: 100,
  /** Longest a message waits when the tab is hidden and has no frames. */
  feedHoldMs: 1_000,
  /** A feed message in characters; a longer one is dropped and the data fetched again. */
  feedMessageChars: 4_000_000,
  /** Reconnect backoff: first wait, and cap. */
  reconnectBaseMs: 500,
  reconnectCapMs: 15_000,
  /** A connection that lasted this long counts as good: the backoff starts anew. */
  reconnectResetMs: 10_000,
  /** After this long without a connection the pill says "stale since". */
  staleAfterMs: 10_000,
  /** The access token is renewed this long before it expires. */
  renewMarginMs: 60_000,
  /** Wait between tries while the server cannot be reached at start. */
  restoreRetryMs: 3_000,
  /** Packages have no feed of their own: asked for this often. */
  packagesEveryMs: 5_000,
  /** Least time between two refetches caused by messages. */
  refetchEveryMs: 2_000,
  /** Characters of the text filter. */
  filterChars: 200,
  /** Length of a password, as the server asks. */
  passwordChars: 15,
  /** A timer longer than this overflows in browsers. */
  timerMs: 2_147_483_647,
} as const;
