/** The collector's process: reads the environment, owns signals and exit codes. */
import { randomUUID } from 'node:crypto';
import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { connectBus, systemInbox } from '@opmas/bus';
import { followRouting } from '@opmas/ingest';
import type { TlsFiles } from '@opmas/keyring/certificates';
import { EXIT_CONFIG } from '@opmas/protocol';
import { pino } from 'pino';
import { type Collector, startCollector } from './app.ts';
import { readSettings, type Settings } from './settings.ts';

const result = readSettings(process.env);
if (result.ok) await run(result.settings);
else {
  for (const error of result.errors) console.error(error);
  process.exitCode = EXIT_CONFIG;
}

async function run(settings: Settings): Promise<void> {
  const log = pino(
    { level: settings.logLevel, base: { part: 'collector', host_id: settings.hostId } },
    pino.destination({ dest: 1, sync: true }),
  );
  const calledOff = new AbortController();
  const started = start(settings, log, calledOff.signal);
  const end = async (signal: string) => {
    if (calledOff.signal.aborted) return;
    calledOff.abort();
    log.info({ signal }, 'ending');
    const running = await started.catch(() => undefined);
    const left = (await running?.stop()) ?? 0;
    process.exit(left === 0 ? 0 : 1);
  };
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    process.on(signal, () => {
      end(signal).catch((error: unknown) => {
        log.fatal({ err: error }, 'could not end in order');
        process.exit(1);
      });
    });
  }
  try {
    const { udpPort, tcpPort, tlsPort } = await started;
    const ports = {
      udp_port: udpPort,
      tcp_port: tcpPort,
      ...(tlsPort === undefined ? {} : { tls_port: tlsPort }),
    };
    log.info({ ...ports, host: settings.syslogHost }, 'ready');
    if (settings.readyFd !== undefined) tellReady(settings.readyFd, ports, log);
  } catch (error) {
    if (calledOff.signal.aborted) return;
    log.fatal({ err: error }, startFault(settings, error));
    console.error(startFault(settings, error));
    process.exit(1);
  }
}

interface Running extends Pick<Collector, 'udpPort' | 'tcpPort' | 'tlsPort' | 'stop'> {}

async function start(settings: Settings, log: pino.Logger, signal: AbortSignal): Promise<Running> {
  const bus = await connectBus({
    url: settings.natsUrl,
    name: `opmas-collector ${settings.hostId}`,
    inboxPrefix: systemInbox.collector,
    ...(settings.natsCreds === undefined ? {} : { credsFile: settings.natsCreds }),
    ...(settings.natsCa === undefined ? {} : { tlsCaFile: settings.natsCa }),
    logger: log,
    signal,
  });
  const path = join(settings.dataDir, 'routing.json');
  const router = await followRouting({
    path,
    onLoad: (rules) => log.info({ path, rules }, 'routing file loaded'),
    onFault: (errors) =>
      log.error({ path, errors }, 'bad routing file: the rules before it stay in force'),
  });
  const files = await tlsFiles(settings, log);
  const collector = await startCollector({
    bus,
    router,
    hostId: settings.hostId,
    syslogHost: settings.syslogHost,
    syslogPort: settings.syslogPort,
    syslogTls:
      files && settings.tls
        ? {
            port: settings.tls.port,
            files,
            clientCertificates: settings.tls.clientCa !== undefined,
          }
        : undefined,
    log,
    now: Date.now,
    newId: randomUUID,
  });
  return {
    udpPort: collector.udpPort,
    tcpPort: collector.tcpPort,
    tlsPort: collector.tlsPort,
    async stop() {
      router.stop();
      files?.stop();
      const left = await collector.stop();
      await (left === 0 ? bus.drain() : bus.close());
      return left;
    },
  };
}

/** Loaded where there is TLS. @throws {CertificateError} when the files cannot be used */
async function tlsFiles({ tls }: Settings, log: pino.Logger): Promise<TlsFiles | undefined> {
  if (tls === undefined) return undefined;
  const { openTlsFiles } = await import('@opmas/keyring/certificates');
  const { cert, key, clientCa: ca } = tls;
  const onFault = (error: Error) =>
    log.error({ err: error }, 'the new certificate cannot be used; the one before stays');
  return openTlsFiles({ cert, key, ca }, { onFault });
}

function startFault({ syslogHost, syslogPort, tls }: Settings, error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  const port = error instanceof Error && 'port' in error ? Number(error.port) : syslogPort;
  const setting = port === tls?.port ? 'OPMAS_SYSLOG_TLS_PORT' : 'OPMAS_SYSLOG_PORT';
  const where = `${syslogHost}:${port}`;
  if (code === 'EADDRINUSE')
    return `syslog ${where} is taken by another program: stop it, or set ${setting}`;
  if (code === 'EACCES')
    return `syslog ${where}: not allowed; a port below 1024 needs a privilege, set ${setting}`;
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
    return `syslog ${where}: no address of this machine; set OPMAS_SYSLOG_HOST`;
  return `the collector cannot start: ${error instanceof Error ? error.message : String(error)}`;
}

function tellReady(
  descriptor: number,
  ports: { udp_port: number; tcp_port: number; tls_port?: number },
  log: pino.Logger,
): void {
  try {
    const line = { ready: true, ...ports };
    writeSync(descriptor, `${JSON.stringify(line)}\n`);
  } catch (error) {
    log.warn({ err: error }, 'nobody reads the ready line');
  }
}
