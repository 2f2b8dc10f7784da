/** Builds the collector: sockets → intake → publisher, and the counters it reports. */
import { lookup } from 'node:dns/promises';
import { BatchPublisher, type Bus } from '@opmas/bus';
import type { Router } from '@opmas/ingest';
import type { TlsFiles } from '@opmas/keyring/certificates';
import { type CollectorStats, subjects } from '@opmas/protocol';
import type { Logger } from 'pino';
import { Intake } from './intake.ts';
import { collectorLimits } from './limits.ts';
import { listenTcp, type TcpInput, type TcpOptions } from './syslog-tcp.ts';
import { tlsServer } from './syslog-tls.ts';
import { listenUdp, type UdpInput } from './syslog-udp.ts';

export interface CollectorOptions {
  bus: Bus;
  router: Pick<Router, 'domainOf'>;
  hostId: string;
  syslogHost: string;
  /** 0: any free one, the same for UDP and TCP where that can be had. */
  syslogPort: number;
  /** Syslog over TLS; absent: none. Port 0: any free one. */
  syslogTls?: { port: number; files: TlsFiles; clientCertificates: boolean } | undefined;
  log: Logger;
  now: () => number;
  newId: () => string;
  maxQueuedEvents?: number;
}

export interface Collector {
  udpPort: number;
  tcpPort: number;
  tlsPort: number | undefined;
  stats(): Promise<CollectorStats>;
  /** Stops the inputs, flushes, reports a last time. Returns how many events were not acknowledged. */
  stop(): Promise<number>;
}

/** Listens and publishes; rejects when a port cannot be had, with nothing left open. */
export async function startCollector(options: CollectorOptions): Promise<Collector> {
  const { bus, log, hostId, now } = options;
  const startedAt = new Date(now()).toISOString();
  const publisher = new BatchPublisher(bus, {
    maxQueuedEvents: options.maxQueuedEvents ?? collectorLimits.queuedEvents,
    maxQueuedBytes: collectorLimits.queuedBytes,
    onRefused: (topic, events, error) =>
      log.error({ topic, events, err: error }, 'the broker refuses these events for good'),
  });
  const intake = new Intake({
    publisher,
    router: options.router,
    now,
    newId: options.newId,
    maxQueuedEvents: options.maxQueuedEvents ?? collectorLimits.queuedEvents,
  });
  const refused = refusedHandshakes(log);
  const { tcp, udp, tls } = await listen(options, intake, refused.note);

  const stats = async (): Promise<CollectorStats> => {
    const held = publisher.stats();
    return {
      host_id: hostId,
      timestamp: new Date(now()).toISOString(),
      started_at: startedAt,
      received: intake.counts.received,
      published: held.acked,
      dropped_udp: intake.counts.droppedUdp,
      kernel_drops: (await udp.kernelDrops()) ?? 0,
      rejected: intake.counts.rejected + held.refused,
      connections: tcp.connections() + (tls?.connections() ?? 0),
      queued: held.queued,
    };
  };
  let drops = 0;
  const report = async () => {
    const figures = await stats();
    const dropped = figures.dropped_udp + figures.kernel_drops;
    if (dropped > drops)
      log.warn(figures, `${dropped - drops} datagrams dropped since the last report`);
    drops = dropped;
    refused.tell();
    bus.publish(subjects.collectorStats(hostId), JSON.stringify(figures));
  };
  const reportLogged = () =>
    report().catch((error: unknown) => log.error({ err: error }, 'could not report'));
  await reportLogged();
  const timer = setInterval(() => void reportLogged(), collectorLimits.statsMs);

  let stopping: Promise<number> | undefined;
  const stop = async () => {
    clearInterval(timer);
    const last = await stats();
    await Promise.all([udp.stop(), tcp.stop(), tls?.stop()]);
    const left = await publisher.close(collectorLimits.flushMs);
    const held = publisher.stats();
    const figures: CollectorStats = {
      ...last,
      timestamp: new Date(now()).toISOString(),
      received: intake.counts.received,
      published: held.acked,
      dropped_udp: intake.counts.droppedUdp,
      rejected: intake.counts.rejected + held.refused,
      connections: 0,
      queued: left,
    };
    bus.publish(subjects.collectorStats(hostId), JSON.stringify(figures));
    if (left > 0) log.error(figures, `${left} events were not acknowledged by the broker`);
    return left;
  };
  return {
    udpPort: udp.port,
    tcpPort: tcp.port,
    tlsPort: tls?.port,
    stats,
    stop: () => (stopping ??= stop()),
  };
}

async function listen(
  options: CollectorOptions,
  intake: Intake,
  onRefused: (peer: string, reason: string) => void,
): Promise<{ tcp: TcpInput; udp: UdpInput; tls: TcpInput | undefined }> {
  const { log, now, syslogPort } = options;
  const { address } = await lookup(options.syslogHost);
  const onError = (error: Error) => log.error({ err: error }, 'syslog input failed');
  const onTurnedAway = (peer: string, reason: string) =>
    log.warn({ peer }, `connection turned away: ${reason}`);
  const common = { address, intake, now, onError, onTurnedAway };
  const tcp = await listenTcp({ ...common, port: syslogPort });
  let tls: TcpInput | undefined;
  try {
    tls = await listenTls(options, common, onRefused);
    const udp = await listenUdp({ address, port: tcp.port, intake, onError }).catch(
      async (error: unknown) => {
        if (syslogPort !== 0) throw error;
        return await listenUdp({ address, port: 0, intake, onError });
      },
    );
    if (udp.bufferBytes < collectorLimits.udpBufferBytes)
      log.info(
        { bytes: udp.bufferBytes, asked: collectorLimits.udpBufferBytes },
        'the system limits the UDP buffer: raise net.core.rmem_max to lose less in bursts',
      );
    return { tcp, udp, tls };
  } catch (error) {
    await Promise.all([tcp.stop(), tls?.stop()]);
    throw error;
  }
}

async function listenTls(
  { syslogTls, log }: CollectorOptions,
  common: Omit<TcpOptions, 'port'>,
  onRefused: (peer: string, reason: string) => void,
): Promise<TcpInput | undefined> {
  if (syslogTls === undefined) return undefined;
  const { files, clientCertificates, port } = syslogTls;
  const refuse = (peer: string, reason: string) => {
    common.intake.counts.rejected++;
    onRefused(peer, reason);
  };
  const onExchanged = (fingerprint: string) =>
    log.info({ fingerprint }, 'the certificate of syslog over TLS was exchanged');
  return await listenTcp({
    ...common,
    port,
    server: (accept) =>
      tlsServer(
        { files, clientCertificates, onExchanged, onRefused: refuse },
        { maxConnections: collectorLimits.connections },
        accept,
      ),
  });
}

/** Anybody can fail a handshake as often as they like: told with the report, not one by one. */
function refusedHandshakes(log: Logger) {
  let count = 0;
  let last = { peer: '', reason: '' };
  return {
    note: (peer: string, reason: string) => {
      count += 1;
      last = { peer, reason };
    },
    tell: () => {
      if (count > 0) log.warn({ count, ...last }, 'TLS connections refused; the last of them');
      count = 0;
    },
  };
}
