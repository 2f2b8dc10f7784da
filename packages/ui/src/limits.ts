// Every bound of the page in one place.
export const limits = {
  /** A request without an answer is given up after this. */
  requestMs: 15_000,
  /** Rows asked for at once (the API's own maximum is 500). */
  agentsPage: 500,
  findingsPage: 100,
  packagesPage: 500,
  listPage: 500,
  /** Pages of users and of tokens followed: 10,000 of each. */
  listPages: 20,
  /** Pages of agents followed: 10,000 agents. */
  agentsPages: 20,
  /** Findings kept in memory for one filter; older ones need a narrower filter. */
  findingsKept: 5_000,
  auditPage: 100,
  /** Entries of the audit log kept in memory for one filter. */
  auditKept: 5_000,
  /** Stretches of the audit log verified one after the other. */
  auditStretches: 10_000,
  /** Values shown of one change. */
  changesShown: 200,
  /** Versions of a layer asked for at once, and pages of them followed: 1,000 versions. */
  versionsPage: 50,
  versionsPages: 20,
  /** Drafts asked for at once, and pages of them followed: there can be 500. */
  draftsPage: 100,
  draftsPages: 10,
  /** Deliveries asked for at once, pages of them followed (10,000 agents), and pages that renew themselves. */
  deliveriesPage: 100,
  deliveriesPages: 100,
  deliveriesPagesLive: 3,
  deliveriesEveryMs: 3_000,
  /** A configuration as text; the server takes 1 MiB of JSON. */
  editorChars: 1_000_000,
  /** Levels of a configuration. */
  editorDepth: 64,
  /** A configuration is judged by the server when the typing rests this long. */
  checkAfterMs: 400,
  /** Judging and publishing a change of the whole fleet may take this long. */
  checkMs: 60_000,
  reasonChars: 1_024,
  selectorChars: 1_024,
  /** Agents named where a group shows whom it reaches. */
  membersShown: 500,
  /** A download may take this long. */
  downloadMs: 300_000,
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
  /** Added at random to it, so that one of several tabs renews for all. */
  renewSpreadMs: 30_000,
  /** Wait between tries while the server cannot be reached at start. */
  restoreRetryMs: 3_000,
  /** Packages have no feed of their own: asked for this often. */
  packagesEveryMs: 5_000,
  /** Least time between two refetches caused by messages. */
  refetchEveryMs: 2_000,
  jobsPage: 50,
  /** Pages of jobs that are kept: 1,000 jobs. */
  jobsPages: 20,
  /** Agents of one job: asked for at once, and pages that are kept (2,000 agents). */
  jobAgentsPage: 100,
  jobAgentsPages: 20,
  /** The feed tells of jobs; whom it does not reach asks this often, under way and at rest. */
  jobEveryMs: 3_000,
  jobsEveryMs: 10_000,
  /** Counts of a job that change are followed by its agents after this. */
  jobAgentsMs: 700,
  /** What a job takes, as the server asks. */
  jobWaves: 20,
  jobAgents: 10_000,
  jobSeconds: 86_400,
  jobDeadlineSecondsMin: 10,
  jobReasonChars: 1_024,
  jobDocumentChars: 900_000,
  logLevelMinutes: 43_200,
  /** Layers whose unstarted rollout is kept while other screens are looked at. */
  rolloutDrafts: 10,
  tagChars: 64,
  tags: 32,
  /** Names of chosen agents told one by one. */
  namesTold: 5,
  /** Pages of rules followed: 10,000 rules. */
  rulesPages: 20,
  /** Sources asked for at once, and pages of them followed: 10,000 sources; asked for again this often. */
  sourcesPage: 100,
  sourcesPages: 100,
  sourcesPagesLive: 3,
  sourcesEveryMs: 15_000,
  /** Hits and costs of rules have no feed of their own: asked for this often, and rarer when they fill many pages. */
  rulesEveryMs: 15_000,
  /** A trial may take 20 s, and waits for the broker before it begins. */
  trialRequestMs: 45_000,
  /** What a trial takes, as the server asks: rules, lines, and the newest recorded events. */
  trialRules: 20_000,
  trialLines: 1_000,
  trialEvents: 100_000,
  /** Characters of rules and of lines in a trial; a body holds 1 MiB. */
  trialChars: 900_000,
  /** Of a trial's result shown at first: rules, and events with their steps. */
  trialRulesShown: 10,
  trialEventsShown: 20,
  /** Characters of an id in an address. */
  idChars: 128,
  /** Characters of the text filter. */
  filterChars: 200,
  /** Length of a password, as the server asks: alone, and beside a second factor. */
  passwordChars: 15,
  passwordCharsWithTotp: 8,
  passwordCharsMax: 256,
  /** A timer longer than this overflows in browsers. */
  timerMs: 2_147_483_647,
} as const;
