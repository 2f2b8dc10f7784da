/** Certificates of clients: who comes from another machine shows one that a named authority signed. */
import type { Server, TLSSocket } from 'node:tls';

/** For `createServer`: asks every client, and leaves the judgement to `requireClientCertificates`. */
export const ASK_CLIENTS = { requestCert: true, rejectUnauthorized: false } as const;

/**
 * Ends a connection from beyond this machine that shows no certificate, or one that is not trusted, before
 * anything of it is read. From loopback none is asked for: the agents of this machine have their tokens.
 */
export function requireClientCertificates(
  server: Server,
  onRefused: (peer: string, reason: string) => void,
): void {
  server.prependListener('secureConnection', (socket: TLSSocket) => {
    const peer = socket.remoteAddress ?? '';
    if (isTrusted(socket, peer)) return;
    onRefused(peer, String(socket.authorizationError ?? 'no certificate'));
    socket.destroy();
  });
}

function isTrusted(socket: TLSSocket, peer: string): boolean {
  const shown = Object.keys(socket.getPeerCertificate()).length > 0;
  if (shown) return socket.authorized;
  return isLoopbackAddress(peer);
}

function isLoopbackAddress(address: string): boolean {
  const plain = address.startsWith('::ffff:') ? address.slice(7) : address;
  return plain === '::1' || plain.startsWith('127.');
}
