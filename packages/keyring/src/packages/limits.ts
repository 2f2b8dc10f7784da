/** Bounds of an agent package, the same for whoever reads one. */
export const packageLimits = {
  files: 2_000,
  bytes: 100 * 1024 * 1024,
  /** Folders inside each other. */
  depth: 16,
  signatureBytes: 4 * 1024,
  /** A PEM file of one ed25519 key. */
  keyBytes: 4 * 1024,
} as const;
