/** Every bound of the certificates in one place. */
const DAY_MS = 24 * 60 * 60_000;

export const certificateLimits = {
  dayMs: DAY_MS,
  /** Life of an authority and of what it signs, in days. */
  authorityDays: 3_650,
  leafDays: 90,
  /** The longest life a leaf may be asked for. */
  leafDaysMax: 825,
  /** Valid from a little before its making: clocks differ. */
  backdateMs: 60 * 60_000,
  /** A leaf is due when less than this share of its life is left. */
  dueShare: 1 / 3,
  /** Names of one certificate. */
  names: 64,
  /** Certificates of one folder, and authorities in the bundle. */
  listed: 1_000,
  authorities: 8,
  /** One PEM file. */
  fileBytes: 256 * 1024,
  /** How often files in use are looked at; a fault is told when it lasts for two looks. */
  pollMs: 2_000,
  /** Wait for another process that changes the folder, and the age at which its mark counts as left behind. */
  lockWaitMs: 15_000,
  lockPollMs: 25,
  lockStaleMs: 60_000,
} as const;
