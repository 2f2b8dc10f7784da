/** What a package is to the server: its row, what judging found, and which state follows. */
import type { Manifest, PACKAGE_STATES, PackageFault, SignatureFound } from '@opmas/protocol';

export type { SignatureFound };

export type PackageState = (typeof PACKAGE_STATES)[number];

/** `auto`: a valid package is registered at once; `manual`: it waits for a person. */
export type Approval = 'auto' | 'manual';

export interface PackageRow {
  /** Absolute path of the folder in the agents directory. */
  path: string;
  folder: string;
  name: string | null;
  version: string | null;
  /** Of the files last judged; null when they were never read whole. */
  digest: string | null;
  state: PackageState;
  errors: PackageFault[];
  warnings: PackageFault[];
  agent_id: string | null;
  /** The digest that may run; an older one goes on while a newer is invalid or waits. */
  approved_digest: string | null;
  /** `auto`, or a person's name. */
  approved_by: string | null;
  approved_at: Date | null;
  signature: SignatureFound | null;
  present: boolean;
  updated_at: Date;
}

/** What judging a folder found. */
export interface Verdict {
  path: string;
  folder: string;
  name: string | null;
  version: string | null;
  digest: string | null;
  manifest: Manifest | null;
  signature: SignatureFound | null;
  errors: readonly PackageFault[];
  warnings: readonly PackageFault[];
}

/** Copies of one package that are kept although nothing runs from them. */
export const KEPT_DIGESTS = 3;

type Before = Pick<PackageRow, 'state' | 'digest' | 'approved_digest' | 'agent_id'>;

/**
 * Which state follows a verdict. An ignored package stays ignored until a person approves it: deleting
 * an agent must not bring it back with its next version.
 */
export function decide(
  before: Before | undefined,
  verdict: Pick<Verdict, 'digest' | 'errors'>,
  approval: Approval,
): { state: PackageState; approved_digest: string | null } {
  const approved = before?.approved_digest ?? null;
  const ignored = before?.state === 'ignored';
  if (ignored && (approved === null || before.digest === verdict.digest)) {
    return { state: 'ignored', approved_digest: approved };
  }
  if (verdict.errors.length > 0 || verdict.digest === null) {
    return { state: 'invalid', approved_digest: approved };
  }
  if (verdict.digest === approved) {
    return { state: before?.agent_id ? 'running' : 'valid', approved_digest: approved };
  }
  if (approval === 'auto') return { state: 'valid', approved_digest: verdict.digest };
  return { state: 'waiting', approved_digest: approved };
}
