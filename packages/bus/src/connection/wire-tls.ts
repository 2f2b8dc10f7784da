/** TLS to the broker: demanded where the URL or a named authority says so, and always verified. */
import { isIP } from 'node:net';
import { checkServerIdentity, type PeerCertificate } from 'node:tls';
import type { ConnectOptions } from './bus.ts';

/** What the library passes on to `tls.connect`; its own type knows the files alone. */
interface WireTls {
  caFile?: string;
  checkServerIdentity?: typeof checkServerIdentity;
}

/** Without a member: the library then speaks TLS when the broker offers it, and verifies it too. */
export function tlsOptions({ url, tlsCaFile }: Pick<ConnectOptions, 'url' | 'tlsCaFile'>): {
  tls?: WireTls;
} {
  const servers = url.split(',').map((text) => text.trim());
  const demanded = tlsCaFile !== undefined || servers.some((text) => text.startsWith('tls:'));
  if (!demanded) return {};
  return {
    tls: {
      ...(tlsCaFile === undefined ? {} : { caFile: tlsCaFile }),
      checkServerIdentity: identityOf(servers),
    },
  };
}

/**
 * The library names a server reached by address not at all, and Node would then look for `localhost` in
 * its certificate: such a certificate must stand for one of the addresses we were given.
 */
function identityOf(servers: readonly string[]): typeof checkServerIdentity {
  const hosts = servers.map((text) => new URL(text).hostname.replace(/^\[|\]$/g, ''));
  const addresses = hosts.filter((host) => isIP(host) !== 0);
  const named = new Set(hosts.filter((host) => isIP(host) === 0));
  return (name: string, certificate: PeerCertificate) => {
    const unnamed = name === 'localhost' && !named.has(name) && addresses.length > 0;
    const faults = (unnamed ? addresses : [name]).map((host) =>
      checkServerIdentity(host, certificate),
    );
    return faults.includes(undefined) ? undefined : faults[0];
  };
}
