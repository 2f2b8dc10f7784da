/** How long and how many: a client that sends slowly, or not at all, holds nothing that others need. */
import type { IncomingMessage, Server, ServerOptions } from 'node:http';
import { BlockList, isIPv6, type Socket } from 'node:net';
import { limits } from '../../kernel/limits.ts';

/** Of the HTTP parser, the same for HTTPS: nothing ambiguous is guessed at. */
export const PARSER_OPTIONS = {
  maxHeaderSize: limits.headerBytes,
  headersTimeout: limits.headersTimeoutMs,
  requestTimeout: limits.requestTimeoutMs,
  connectionsCheckingInterval: limits.connectionsCheckMs,
  insecureHTTPParser: false,
  requireHostHeader: true,
} as const satisfies ServerOptions<typeof IncomingMessage>;

/** One address may not take every connection there is; those of trusted proxies are many people's. */
export function boundConnections(server: Server, isProxy: (address: string) => boolean): void {
  server.maxConnections = limits.httpConnections;
  const open = new Map<string, number>();
  server.on('connection', (socket: Socket) => {
    const address = socket.remoteAddress;
    if (address === undefined || isProxy(address)) return;
    const count = (open.get(address) ?? 0) + 1;
    if (count > limits.httpConnectionsOfOne) {
      socket.destroy();
      return;
    }
    open.set(address, count);
    socket.once('close', () => {
      const left = (open.get(address) ?? 1) - 1;
      if (left > 0) open.set(address, left);
      else open.delete(address);
    });
  });
}

/** Is an address one of these, or in one of these networks? */
export function addressIn(networks: readonly string[]): (address: string) => boolean {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', bits] = network.split('/');
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return (address) => list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}
