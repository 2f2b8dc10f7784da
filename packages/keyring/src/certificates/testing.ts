/** Authorities, certificates and TLS clients for tests. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { fixedKeyring, newMasterKey } from '../master-key.ts';
import { createAuthority, issueCertificate, type Pair, type Usage } from './authority.ts';
import { namesOf } from './names.ts';
import { CertificateStore } from './store.ts';

export const DAY = 86_400_000;

export function testStore(dataDir: string, now?: () => number): CertificateStore {
  const keyring = fixedKeyring([newMasterKey()]);
  return new CertificateStore({
    dataDir,
    keyring: () => keyring,
    ...(now === undefined ? {} : { now }),
  });
}

export interface LeafOptions {
  hosts?: readonly string[];
  usage?: readonly Usage[];
  days?: number;
  now?: number;
}

export async function testLeaf(authority: Pair, options: LeafOptions = {}): Promise<Pair> {
  const { hosts = ['localhost', '127.0.0.1'], usage = ['server'], days = 10 } = options;
  const request = { name: 'test', names: namesOf(hosts), usage, days };
  return await issueCertificate(authority, request, options.now ?? Date.now());
}

export const testAuthority = (now = Date.now()): Promise<Pair> => createAuthority(now);

/** Writes the pair as `<name>.crt` and `<name>.key` into the folder. */
export function writePair(folder: string, name: string, pair: Pair): { cert: string; key: string } {
  const paths = { cert: join(folder, `${name}.crt`), key: join(folder, `${name}.key`) };
  writeFileSync(paths.key, pair.key, { mode: 0o600 });
  writeFileSync(paths.cert, pair.certificate);
  return paths;
}

/** Connects and verifies; rejects as the client would. */
export async function dial(port: number, options: ConnectionOptions): Promise<TLSSocket> {
  const socket = connect({ port, host: '127.0.0.1', ...options });
  const failed = once(socket, 'error').then(([error]: unknown[]) => {
    throw error;
  });
  try {
    await Promise.race([once(socket, 'secureConnect'), failed]);
  } finally {
    failed.catch(() => {}); // later errors are the caller's
  }
  socket.on('error', () => {});
  return socket;
}
