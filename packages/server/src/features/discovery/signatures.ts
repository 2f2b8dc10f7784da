/** Who vouches for a package, and whether that is enough. */
import { isSignedBy, type PackageSignature, RefusedPackage, readSignature } from '@opmas/keyring';
import type { PackageFault } from '@opmas/protocol';
import type { SignatureFound } from '../packages/index.ts';

/** `required`: only what a trusted publisher signed may run. */
export type SignaturePolicy = 'optional' | 'required';

export interface Signed {
  signature: SignatureFound | null;
  errors: PackageFault[];
}

/**
 * Looks at the signature that lies in `dir` for the files with this digest. One that is wrong is always
 * a fault: somebody changed what another had signed.
 */
export async function judgeSignature(options: {
  dir: string;
  digest: string;
  policy: SignaturePolicy;
  /** Name and key of a trusted publisher. */
  publisherOf(keyId: string): Promise<{ name: string; public_key: string } | undefined>;
}): Promise<Signed> {
  const { dir, digest, policy, publisherOf } = options;
  const required = policy === 'required';
  let found: PackageSignature | undefined;
  try {
    found = await readSignature(dir);
  } catch (error) {
    if (!(error instanceof RefusedPackage)) throw error;
    return { signature: null, errors: [error.fault] };
  }
  if (found === undefined) {
    return { signature: null, errors: required ? [fault('signature_missing', MISSING)] : [] };
  }
  const publisher = await publisherOf(found.key_id);
  const { key_id, signed_at } = found;
  if (found.digest !== digest || (publisher && !isSignedBy(found, publisher.public_key))) {
    const why = found.digest === digest ? 'does not match its key' : 'was made for other files';
    const message = `the signature of ${key_id} ${why}; sign the package again`;
    return { signature: null, errors: [fault('signature_invalid', message)] };
  }
  const signature = { key_id, signed_at, publisher: publisher?.name ?? null };
  if (publisher !== undefined || !required) return { signature, errors: [] };
  const message = `nobody is trusted with the key ${key_id}: opmas publishers add NAME KEY.pub`;
  return { signature, errors: [fault('signature_untrusted', message)] };
}

const MISSING =
  'a signature is required (OPMAS_PACKAGE_SIGNATURES): opmas package sign DIR --key FILE';

function fault(code: string, message: string): PackageFault {
  return { code, message };
}
