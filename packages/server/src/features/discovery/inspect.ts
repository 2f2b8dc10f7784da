/** From a settled folder to a verdict, with its files safely in the package store. */
import { RefusedPackage } from '@opmas/keyring';
import type { PackageFault } from '@opmas/protocol';
import type { PackageStore, SignatureFound, Verdict } from '../packages/index.ts';
import type { ImportLexer } from './import-lexer.ts';
import { type Judgement, judge, readManifest } from './judge.ts';
import type { RulesCheck } from './rules-check.ts';
import type { Signed } from './signatures.ts';

export interface Inspected {
  verdict: Verdict;
  /** Line of AGENT_NAME in the discovery file. */
  nameLine: number | undefined;
  /** Packages whose installation would repair it. */
  missing: readonly string[];
}

export type Inspect = (folder: {
  path: string;
  folder: string;
  /** What may run now. */
  live: { digest: string; version: string } | undefined;
}) => Promise<Inspected | 'changing'>;

/**
 * What is judged is the copy, so that what is approved is what was judged and what is launched. Files
 * that are there already are not copied again; a package that is invalid leaves no copy.
 */
export function createInspector(options: {
  store: PackageStore;
  lexer: ImportLexer;
  rulesCheck: RulesCheck;
  sdkVersion: string;
  /** Who vouches for the files with this digest. */
  signedBy(path: string, digest: string): Promise<Signed>;
}): Inspect {
  const { store, lexer, rulesCheck, sdkVersion, signedBy } = options;

  return async ({ path, folder, live }) => {
    let signature: SignatureFound | null = null;
    let known: { name: string | null; version: string | null } = { name: null, version: null };
    const invalid = (errors: readonly PackageFault[]): Inspected => ({
      verdict: {
        ...unknown(path, folder),
        name: known.name,
        version: known.version,
        signature,
        errors,
      },
      nameLine: undefined,
      missing: [],
    });
    try {
      const manifest = await readManifest(path, folder);
      if (!manifest.ok && manifest.errors[0]?.code !== 'changing') {
        const { name = null, version = null } = manifest;
        known = { name, version };
        return invalid(manifest.errors);
      }
      if (manifest.ok) known = manifest.manifest;
      const { digest, judgement } = await judgeCopy(path, folder);
      const signed = await signedBy(path, digest);
      signature = signed.signature;
      if (!judgement.ok) {
        const { errors, warnings, missing } = judgement;
        const { verdict } = invalid([...errors, ...signed.errors]);
        return { verdict: { ...verdict, digest, warnings }, nameLine: undefined, missing };
      }
      const { manifest: found, lines } = judgement.content;
      const { name, version } = found;
      const errors: PackageFault[] = [...signed.errors];
      if (live !== undefined && live.version === version && live.digest !== digest) {
        errors.push({
          code: 'version_unchanged',
          ...(lines.AGENT_VERSION === undefined ? {} : { line: lines.AGENT_VERSION }),
          message: `the files changed but AGENT_VERSION is still ${version}: the approved copy goes on; raise AGENT_VERSION`,
        });
      }
      const { warnings } = judgement;
      return {
        verdict: {
          path,
          folder,
          name,
          version,
          digest,
          manifest: found,
          signature,
          errors,
          warnings,
        },
        nameLine: lines.AGENT_NAME,
        missing: [],
      };
    } catch (error) {
      if (!(error instanceof RefusedPackage)) throw error;
      if (error.fault.code === 'changing') return 'changing';
      return invalid([error.fault]);
    }
  };

  async function judgeCopy(
    path: string,
    folder: string,
  ): Promise<{ digest: string; judgement: Judgement }> {
    const how = { origin: path, folder, sdkVersion, lexer, rulesCheck };
    const digest = await store.digestOf(path);
    if (/^[\w.-]+$/.test(folder) && (await store.verify(folder, digest))) {
      return { digest, judgement: await judge({ ...how, dir: store.dirOf(folder, digest) }) };
    }
    const staged = await store.stage(path, folder);
    let kept = false;
    try {
      const judgement = await judge({ ...how, dir: staged.dir });
      if (judgement.ok) {
        await staged.commit(judgement.links);
        kept = true;
      }
      return { digest: staged.digest, judgement };
    } finally {
      if (!kept) await staged.discard();
    }
  }
}

function unknown(path: string, folder: string): Verdict {
  const nothing = { name: null, version: null, digest: null, manifest: null, signature: null };
  return { path, folder, ...nothing, errors: [], warnings: [] };
}
