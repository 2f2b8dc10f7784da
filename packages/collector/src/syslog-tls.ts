/** Syslog over TLS (RFC 5425): the server under the TCP input, its handshakes bounded and its certificate exchanged in use. */
import type { Server, Socket } from 'node:net';
import { createServer, type TLSSocket } from 'node:tls';
import { ASK_CLIENTS, requireClientCertificates, type TlsFiles } from '@opmas/keyring/certificates';
import { plainAddress } from './intake.ts';
import { collectorLimits } from './limits.ts';

export interface SyslogTls {
  files: TlsFiles;
  /** Must senders from beyond this machine show a certificate? */
  clientCertificates: boolean;
  /** The new certificate is in use. */
  onExchanged?: (fingerprint: string) => void;
  /** A handshake failed, or ended without the certificate that is asked for. */
  onRefused: (peer: string, reason: string) => void;
}

/** `accept` gets each connection once its handshake is done. */
export function tlsServer(
  { files, clientCertificates, onExchanged, onRefused }: SyslogTls,
  options: { maxConnections: number; handshakeMs?: number },
  accept: (socket: Socket) => void,
): Server {
  const server = createServer(
    {
      ...files.context(),
      ...(clientCertificates ? ASK_CLIENTS : {}),
      handshakeTimeout: options.handshakeMs ?? collectorLimits.handshakeMs,
      keepAlive: true,
      keepAliveInitialDelay: collectorLimits.keepAliveMs,
    },
    (socket: TLSSocket) => {
      if (!socket.destroyed) accept(socket);
    },
  );
  // Those in a handshake count too: whoever opens connections and says nothing takes none of the others'.
  server.maxConnections = options.maxConnections + collectorLimits.handshakes;
  if (clientCertificates) requireClientCertificates(server, onRefused);
  server.on('tlsClientError', (error: Error, socket: TLSSocket) => {
    onRefused(plainAddress(socket.remoteAddress ?? ''), error.message);
    socket.destroy();
  });
  const unfollow = files.follow((context, { fingerprint }) => {
    server.setSecureContext(context);
    onExchanged?.(fingerprint);
  });
  server.once('close', unfollow);
  return server;
}
