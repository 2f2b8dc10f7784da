/** Agent packages as files: read safely, named by their digest, vouched for by a signature. */
export { packageLimits } from './limits.ts';
export { codeOf, RefusedPackage, show } from './refused.ts';
export {
  isSignedBy,
  newSigningKey,
  PackageSignature,
  readPublicKey,
  readSignature,
  type SigningKey,
  signDigest,
} from './signature.ts';
export { digestOf, readPlainFile, readTree, SIGNATURE_FILE, type TreeFile } from './tree.ts';
