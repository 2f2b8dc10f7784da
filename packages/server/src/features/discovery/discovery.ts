/** What discovery tells the rest of the server, and the bounds it works in. */
import type { Manifest, Rule } from '@opmas/protocol';
import type { SchemaDocument } from '../configs/index.ts';

/** An approved package, read from its copy in the package store. */
export interface ReadyPackage {
  /** Absolute path of the original. */
  path: string;
  folder: string;
  manifest: Manifest;
  digest: string;
  /** Absolute path of the copy. */
  dir: string;
  entry: Entry;
  /** Of `rules.json`: the package's default rules. */
  rules: Rule[];
  /** Of `config.schema.json`. */
  configSchema: SchemaDocument | undefined;
  /** `auto`, a user's name, or `earlier`: before this start of the server. */
  approvedBy: string;
}

/** `code`: agent.ts is run; `rules`: the built-in rules agent. */
export type Entry = 'code' | 'rules';

export interface DiscoveryEvents {
  /**
   * Makes or updates the agent. Called again with the same package after a failure and at each start,
   * so it must change nothing the second time.
   */
  packageReady(pkg: ReadyPackage): Promise<{ agent_id: string }>;
  /** The folder of this agent's package is gone. Called again after a failure. */
  packageGone(agentId: string): Promise<void>;
}

export const discoveryLimits = {
  /** A folder must lie unchanged for so long before it is judged: it may still be being copied. */
  settleMs: 1_000,
  /** What the watcher misses is found after so long. */
  pollMs: 2_000,
  rulesBytes: 8 * 1024 * 1024,
  sourceBytes: 1024 * 1024,
  /** For reading the imports of one file. */
  lexMs: 5_000,
  /** For compiling the rules of one package; and the memory of either thread. */
  compileMs: 10_000,
  workerMb: 256,
  faults: 50,
  /** Entries of the agents directory looked at for new packages. */
  directoryEntries: 10_000,
} as const;
