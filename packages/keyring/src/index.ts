/** Keys and what is done with them. Light: what needs a large library has an entry of its own. */
export * from './audit/index.ts';
export { dataKeyring } from './data-keyring.ts';
export { deriveKey } from './derive.ts';
export {
  open,
  openText,
  type Place,
  reseal,
  seal,
  sealedPrefix,
  sealedUnder,
} from './envelope.ts';
export { KeyringError } from './errors.ts';
export {
  fixedKeyring,
  type Keyring,
  type MasterKey,
  type MasterKeys,
  newMasterKey,
  openKeyring,
  writeMasterKeys,
} from './master-key.ts';
export * from './packages/index.ts';
export { makePrivate, writePrivate } from './private-file.ts';
export { readSealedJson, resealFile, SEALED_ENDING, writeSealedJson } from './sealed-file.ts';
