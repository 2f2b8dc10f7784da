/** Every bound of the keyring. */
export const limits = {
  /** A master key file: a handful of lines. */
  masterKeyBytes: 4_096,
  masterKeys: 16,
  /** A key that was dropped still opens what was read before. */
  formerKeyMs: 60_000,
  /** A sealed file, and the text of one sealed value. */
  sealedFileBytes: 1024 * 1024,
  sealedBytes: 4 * 1024 * 1024,
} as const;
