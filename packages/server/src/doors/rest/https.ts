/** HTTPS: a changed certificate is taken over without ending a connection, and clients show theirs where asked. */
import type { RequestListener, Server } from 'node:http';
import { createServer } from 'node:https';
import { ASK_CLIENTS, requireClientCertificates, type TlsFiles } from '@opmas/keyring/certificates';
import { limits } from '../../kernel/limits.ts';
import type { Logger } from '../../kernel/logger.ts';
import { PARSER_OPTIONS } from './connections.ts';

export interface HttpsOptions {
  files: TlsFiles;
  /** Must clients from beyond this machine show a certificate? */
  clientCertificates: boolean;
}

/** TLS 1.2 and newer, as `@opmas/keyring` says for every listener. */
export function httpsServer(
  { files, clientCertificates }: HttpsOptions,
  handler: RequestListener,
  logger: Pick<Logger, 'info' | 'warn'>,
): Server {
  const server = createServer(
    {
      ...PARSER_OPTIONS,
      ...files.context(),
      ...(clientCertificates ? ASK_CLIENTS : {}),
      handshakeTimeout: limits.handshakeMs,
    },
    handler,
  );
  if (clientCertificates) {
    requireClientCertificates(server, (peer, reason) =>
      logger.warn(
        { peer, reason },
        'a connection without a certificate of a known client is ended',
      ),
    );
  }
  const unfollow = files.follow((context, info) => {
    server.setSecureContext(context);
    logger.info(
      { fingerprint: info.fingerprint, not_after: info.not_after },
      'the certificate of HTTPS was exchanged',
    );
  });
  server.once('close', unfollow);
  server.keepAliveTimeout = limits.keepAliveMs;
  return server;
}
