/** What the windows of one rule set may take in memory; the bounds of a rule's fields are in the protocol. */
export const windowBounds = {
  /** Keys of all rules together, shared out evenly; and what a rule gets at least and at most. */
  keys: 200_000,
  keysPerRuleMin: 100,
  keysPerRule: 50_000,
  /** Remembered events of all rules together, shared out evenly; at least twice a rule's count. */
  entries: 1_000_000,
  entriesPerRule: 400_000,
  /** Characters of a key or value; of longer ones the beginning and a hash are kept. */
  keyChars: 256,
  /** Different values named in a finding, and characters of each. */
  valuesTold: 20,
  valueChars: 128,
  /** A device's clock counts as long as it is so near the time of arrival; nearer in short windows. */
  skewMs: 60_000,
  /** How long an expected event may be on its way, beyond its window; less in short windows. */
  lateMs: 5_000,
  /** How long a key is remembered after its window, for events that come again. */
  keepMs: 600_000,
  /** Findings that are not known to be stored; the oldest are given up, and counted. */
  unsettled: 50_000,
} as const;
