/** The certificates of this machine's own listeners: issued at the start, renewed long before they end. */
import { hostname, networkInterfaces } from 'node:os';
import { KeyringError } from '@opmas/keyring';
import {
  CertificateError,
  CertificateStore,
  dataKeyring,
  isDnsName,
} from '@opmas/keyring/certificates';
import { LaunchError } from '../errors.ts';
import { limits } from '../limits.ts';

export interface OwnCertificatesOptions {
  dataDir: string;
  masterKeyFile: string;
  /** What the listeners are bound to, and names they are known by. */
  hosts: readonly string[];
  /** One for the broker too. */
  broker: boolean;
}

export interface OwnCertificates {
  server: { cert: string; key: string };
  broker: { cert: string; key: string };
  /** PEM of the authorities that sign them. */
  bundle: string;
  /** Issues what is due; cheap when nothing is. @throws {LaunchError} tls_failed, data_dir_unusable */
  renew(): Promise<void>;
}

const LOOPBACK = ['localhost', '127.0.0.1', '::1'];
const EVERYWHERE = new Set(['0.0.0.0', '::']);

/** Issues what is missing. @throws {LaunchError} tls_failed, data_dir_unusable */
export async function ownCertificates(options: OwnCertificatesOptions): Promise<OwnCertificates> {
  const { dataDir, masterKeyFile, broker } = options;
  const keyring = () => dataKeyring(dataDir, masterKeyFile);
  const store = new CertificateStore({ dataDir, keyring });
  const renew = async () => {
    try {
      await store.init();
      await store.ensure('server', { hosts: namesOfMachine(options.hosts), usage: ['server'] });
      if (broker) await store.ensure('nats', { hosts: LOOPBACK, usage: ['server'] });
    } catch (error) {
      throw asLaunchError(error);
    }
  };
  await renew();
  return {
    server: store.pathsOf('server'),
    broker: store.pathsOf('nats'),
    bundle: store.bundlePath,
    renew,
  };
}

/** What clients may call this machine; where it listens everywhere, by each of its addresses too. */
function namesOfMachine(hosts: readonly string[]): string[] {
  const given = hosts.filter((host) => !EVERYWHERE.has(host));
  const own = hostname().toLowerCase();
  const addresses = hosts.some((host) => EVERYWHERE.has(host)) ? addressesOfMachine() : [];
  const all = [...LOOPBACK, ...given, ...(isDnsName(own) ? [own] : []), ...addresses];
  return [...new Set(all)].slice(0, limits.certifiedNames);
}

function addressesOfMachine(): string[] {
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .filter(({ internal, address }) => !internal && !address.toLowerCase().startsWith('fe80'))
    .map(({ address }) => address)
    .sort((a, b) => a.localeCompare(b));
}

export function asLaunchError(error: unknown): unknown {
  if (error instanceof CertificateError) {
    return new LaunchError('tls_failed', error.message, error.fix, { cause: error });
  }
  if (error instanceof KeyringError) {
    return new LaunchError('data_dir_unusable', error.what, error.fix, { cause: error });
  }
  return error;
}
