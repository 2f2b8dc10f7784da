/** Authorities an agent trusts beside the well-known ones: `ca.crt` in its own folder. */
import { existsSync, readFileSync, watchFile } from 'node:fs';
import { join } from 'node:path';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { messageOf } from '../errors.ts';
import { limits } from '../limits.ts';

/**
 * For every TLS connection of this process, to the API, to the broker and to wherever the author goes.
 * The host puts the file there, and exchanges it when an authority is renewed; an agent on another machine
 * is given it by its operator. A file that cannot be read changes nothing, and is told.
 */
export function trustAuthorities(stateDir: string, complain: (message: string) => void): void {
  const path = join(stateDir, 'ca.crt');
  if (!existsSync(path)) return;
  const wellKnown = getCACertificates('default');
  const take = () => {
    try {
      setDefaultCACertificates([...wellKnown, readFileSync(path, 'utf8')]);
    } catch (error) {
      complain(`the authorities in ${path} are not taken over: ${messageOf(error)}`);
    }
  };
  take();
  watchFile(path, { interval: limits.authoritiesCheckMs, persistent: false }, take);
}
