export { CHAIN_COLUMN, createKeyChain, type ServerKeyChain } from './key-chain.ts';
export { createRotation, type Rotation } from './rotation.ts';
export { secretsOperations } from './secrets.operations.ts';
export { holdsSecrets } from './secrets.store.ts';
export { coded, createVault } from './vault.ts';
