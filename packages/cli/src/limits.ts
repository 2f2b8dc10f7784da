/** Every bound of the command line. */
export const limits = {
  /** One request, answer included. */
  requestMs: 30_000,
  /** A look at something that may not be there: health, a doctor's probe. */
  probeMs: 3_000,
  /** Items of one request of a list; `--limit` may ask for more than one page. */
  pageItems: 500,
  /** The most a list command returns. */
  listItems: 100_000,
  listDefault: 50,
  /** Candidates named in an error. */
  candidates: 10,
  /** Body of `api --data`, `config set --file` and a JSON array of events. */
  bodyBytes: 16 * 1024 * 1024,
  /** Files of one import of rules, and the size of one. */
  importFiles: 10_000,
  importBytes: 1024 * 1024,
  /** Events handed in with one request. */
  sendEvents: 5_000,
  sendBytes: 8 * 1024 * 1024,
  /** Rejected events that are listed. */
  rejected: 1_000,
  /** Time the feed has to take a subscription. */
  feedOpenMs: 10_000,
  /** Messages kept while the history before them is fetched. */
  feedHeld: 10_000,
  /** Lost feed: the first wait, doubled up to the cap. */
  feedRetryMs: 250,
  feedRetryCapMs: 10_000,
  /** Ids remembered so that nothing is shown twice. */
  shownIds: 20_000,
  /** How often an action is looked at while waiting for its outcome. */
  actionPollMs: 250,
  waitSeconds: 60,
  /** How often a job is looked at while it is watched. */
  jobPollMs: 500,
  /** An export of the whole audit log, and one line of it. */
  exportMs: 3_600_000,
  exportLineBytes: 4 * 1024 * 1024,
  /** How long `secrets rotate` waits: replicas alone get a minute. */
  rotationMs: 180_000,
  rotationPollMs: 250,
  /** How long another command may hold the saved logins. */
  lockMs: 35_000,
  lockPollMs: 25,
  /** An access token is renewed this long before it ends. */
  renewBeforeMs: 30_000,
  passwordBytes: 4_096,
  credentialsBytes: 1024 * 1024,
  /** A cell of a table on a terminal, in characters. */
  cellChars: 60,
  /** Doctor: below the first OPMAS cannot run, below the second it will soon not. */
  diskFailBytes: 200e6,
  diskWarnBytes: 2e9,
  packages: 1_000,
  /** A value as JSON in a list of many. */
  valueChars: 160,
} as const;
