/** `opmas up`: takes the data folder, starts everything in order, keeps it running, ends it in reverse order. */
import { realpathSync } from 'node:fs';
import { parse, type Static, type TSchema, Type } from '@opmas/protocol';
import { privateDir } from '../data/files.ts';
import { dataDirLock } from '../data/lock.ts';
import { LaunchError, messageOf } from '../errors.ts';
import { type EmbeddedNats, embeddedNats } from '../nats/embedded-nats.ts';
import { externalCreds } from '../nats/external-creds.ts';
import { embeddedPostgres } from '../postgres/embedded-postgres.ts';
import { Child, type ChildEvent } from '../process/child.ts';
import { ownIdentity } from '../process/identity.ts';
import { NO_TLS, type PreparedTls } from '../tls/prepared.ts';
import { endLeftoverChildren } from './down.ts';
import { hostIdOf } from './host-id.ts';
import { type PartContext, partPlan } from './parts.ts';
import { requirePort } from './port-holder.ts';
import type { Progress } from './progress.ts';
import { removeUpFile, type UpFile, writeUpFile } from './run-file.ts';
import type { Part } from './setting-table.ts';
import type { Settings } from './settings.ts';
import { usesTls } from './tls-settings.ts';
import { upLog } from './up-log.ts';

export interface UpOptions {
  onProgress?: (progress: Progress) => void;
  /** Ends a start that is under way. */
  signal?: AbortSignal;
  /** Other scripts for the parts (tests of the launcher alone). */
  scripts?: Partial<Record<Part, string>>;
}

export interface Running {
  /** Of the API and the web page; null where no server runs. */
  url: string | null;
  /** One-time set-up link of the first start. */
  setupUrl: string | null;
  syslog: UpFile['syslog'];
  info: UpFile;
  /** Ends everything in reverse order and frees the lock. May be called twice. */
  stop(): Promise<void>;
}

const ServerReady = Type.Object({
  url: Type.String(),
  setup_url: Type.Optional(Type.Union([Type.String(), Type.Null()])),
});
const HostReady = Type.Object({});
const CollectorReady = Type.Object({
  udp_port: Type.Integer(),
  tcp_port: Type.Integer(),
  tls_port: Type.Optional(Type.Integer()),
});

/**
 * Starts OPMAS with these settings and returns when everything answers.
 * @throws {LaunchError} with everything stopped again and the lock free
 */
export async function up(given: Settings, options: UpOptions = {}): Promise<Running> {
  // Leftovers are known by their paths: one folder has one, whatever links lead to it.
  const settings = { ...given, dataDir: usableDir(given.dataDir) };
  const { dataDir } = settings;
  const lock = dataDirLock(dataDir);
  const release = () => {
    removeUpFile(dataDir);
    lock.release();
  };
  const machine = new Machine(settings, options);
  const interrupt = () => {
    machine.stop().catch(() => {}); // told as a warning; the failing start below reports
  };
  options.signal?.addEventListener('abort', interrupt, { once: true });
  try {
    options.signal?.throwIfAborted();
    await machine.start();
    options.signal?.throwIfAborted();
  } catch (error) {
    await machine.stop().catch(() => {}); // told as a warning; why it did not start matters more
    release();
    throw error;
  } finally {
    options.signal?.removeEventListener('abort', interrupt);
  }
  await import('../process/trim-heap.ts');
  let ended: Promise<void> | undefined;
  const stop = () => {
    ended ??= machine.stop().finally(release);
    return ended;
  };
  const { info } = machine;
  return { url: info.url, setupUrl: info.setup_url, syslog: info.syslog, info, stop };
}

function usableDir(path: string): string {
  try {
    return realpathSync(privateDir(path));
  } catch (cause) {
    throw new LaunchError(
      'data_dir_unusable',
      `The data folder ${path} cannot be made: ${messageOf(cause)}`,
      'Set OPMAS_DATA_DIR to a folder this user may write to.',
      { cause },
    );
  }
}

/** What runs so far, so that a failure or an interruption at any point stops exactly that. */
class Machine {
  readonly info: UpFile;
  #settings: Settings;
  #scripts: Partial<Record<Part, string>>;
  #tell: (progress: Progress) => void;
  #stops: { name: string; stop: () => Promise<void> }[] = [];
  #parts = new Map<Part, Child>();
  #stopping = false;
  #tls: PreparedTls = NO_TLS;
  #brokerReload = () => {};
  #ending: Promise<void> = Promise.resolve();

  constructor(settings: Settings, { onProgress = () => {}, scripts = {} }: UpOptions) {
    this.#settings = settings;
    this.#scripts = scripts;
    const log = upLog(settings.dataDir);
    this.#tell = (progress) => {
      log(progress);
      onProgress(progress);
    };
    this.info = {
      ...ownIdentity(),
      started_at: new Date().toISOString(),
      data_dir: settings.dataDir,
      agents_dir: settings.agentsDir,
      host_id: hostIdOf(settings.dataDir, settings.hostId),
      url: null,
      setup_url: null,
      syslog: null,
      embedded: [],
      children: [],
    };
  }

  async start(): Promise<void> {
    const { dataDir, warnings } = this.#settings;
    for (const text of warnings) this.#tell({ kind: 'warning', text });
    writeUpFile(this.info);
    for (const { name, pid } of await endLeftoverChildren(dataDir)) {
      this.#step(`ended ${name} of an earlier run (process ${pid})`);
    }
    await this.#requirePorts();
    await this.#prepareTls();
    const context = await this.#startServers();
    const runs = partsOf(this.#settings);
    // The server makes streams and buckets; the others need them.
    if (runs.includes('server')) await this.#startServer(context);
    const rest: Promise<void>[] = [];
    if (runs.includes('host'))
      rest.push(this.#startPart('host', context, HostReady).then(() => {}));
    if (runs.includes('collector')) rest.push(this.#startCollector(context));
    const outcomes = await Promise.allSettled(rest);
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
    this.#keepTls();
    this.#save();
  }

  #keepTls(): void {
    const end = this.#tls.keep({
      onBrokerChanged: () => {
        this.#step('the broker takes over a renewed certificate');
        this.#brokerReload();
      },
      onFault: (text) => this.#tell({ kind: 'warning', text }),
    });
    this.#stops.push({ name: 'certificates', stop: () => Promise.resolve(end()) });
  }

  /** May be called again: it then ends what a start under way has added since. */
  stop(): Promise<void> {
    this.#stopping = true;
    this.#ending = this.#ending.catch(() => {}).then(() => this.#endAll());
    return this.#ending;
  }

  async #endAll(): Promise<void> {
    const errors: unknown[] = [];
    for (let last = this.#stops.pop(); last !== undefined; last = this.#stops.pop()) {
      try {
        await last.stop();
      } catch (error) {
        this.#tell({ kind: 'warning', text: `${last.name} did not stop: ${messageOf(error)}` });
        errors.push(error);
      }
    }
    if (errors.length > 0) throw new AggregateError(errors, 'not everything could be stopped');
  }

  async #requirePorts(): Promise<void> {
    const { http, syslog } = this.#settings;
    const runs = partsOf(this.#settings);
    if (runs.includes('server')) {
      const setting = 'OPMAS_HTTP_PORT';
      await requirePort({ protocol: 'tcp', ...http, what: 'the web page', setting });
    }
    if (runs.includes('collector')) {
      const need = { ...syslog, what: 'syslog', setting: 'OPMAS_SYSLOG_PORT' };
      await requirePort({ protocol: 'udp', ...need });
      await requirePort({ protocol: 'tcp', ...need });
      const over = this.#settings.tls.syslog;
      const what = 'syslog over TLS';
      const setting = 'OPMAS_SYSLOG_TLS_PORT';
      if (over !== undefined)
        await requirePort({ protocol: 'tcp', host: syslog.host, port: over.port, what, setting });
    }
  }

  async #prepareTls(): Promise<void> {
    const { dataDir, masterKeyFile, tls, http, syslog, publicUrl } = this.#settings;
    if (!usesTls(tls)) return;
    const known =
      publicUrl === undefined ? [] : [new URL(publicUrl).hostname.replace(/^\[|\]$/g, '')];
    const hosts = [http.host, ...(tls.syslog === undefined ? [] : [syslog.host]), ...known];
    // Large, and needed by few.
    const { prepareTls } = await import('../tls/prepare.ts');
    this.#tls = await prepareTls({ dataDir, masterKeyFile, tls, hosts });
  }

  async #startServers(): Promise<PartContext> {
    const settings = this.#settings;
    const { dataDir, database } = settings;
    const embedded: string[] = [];
    let ownDatabase: PartContext['database'];
    if (database === undefined && partsOf(settings).includes('server')) {
      this.#step('starting PostgreSQL');
      const postgres = await embeddedPostgres({ dataDir, onEvent: this.#onEvent });
      this.#add('postgres', () => postgres.stop());
      ownDatabase = { url: postgres.url, migrateUrl: postgres.migrateUrl };
      embedded.push('postgres');
    }
    const nats = await this.#startNats();
    if (settings.nats === undefined) embedded.push('nats');
    this.info.embedded = embedded;
    this.#save();
    return {
      settings,
      hostId: this.info.host_id,
      database: database ?? ownDatabase,
      nats,
      tls: this.#tls,
      embedded,
      ports: {
        http: settings.http.port,
        syslog: settings.syslog.port,
        syslogTls: settings.tls.syslog?.port,
      },
    };
  }

  async #startNats(): Promise<PartContext['nats']> {
    const {
      dataDir,
      masterKeyFile,
      nats: external,
      natsBin,
      path,
      eventsMaxBytes,
    } = this.#settings;
    const hostId = this.info.host_id;
    if (external !== undefined) {
      const { accountSeed, account, apiPrefix } = external;
      const creds =
        accountSeed === undefined
          ? {}
          : externalCreds({ dataDir, hostId, accountSeed, account, apiPrefix });
      return { ...external, url: () => external.url, creds };
    }
    this.#step('starting NATS');
    const nats: EmbeddedNats = await embeddedNats({
      dataDir,
      hostId,
      masterKeyFile,
      bin: natsBin,
      path,
      eventsMaxBytes,
      tls: this.#tls.broker,
      onEvent: this.#onEvent,
      onPortChanged: (port) => {
        this.#step(`the broker's port was taken; it is now ${port}`);
        for (const child of this.#parts.values()) child.restart();
      },
    });
    this.#add('nats', () => nats.stop());
    this.#brokerReload = () => nats.reload();
    return {
      url: nats.url,
      creds: { ...nats.creds },
      accountSeed: nats.trust.account.signing.seed,
      operatorSeed: nats.trust.operator_signing.seed,
      account: nats.trust.account.identity.public_key,
      sysCreds: nats.sysCreds,
    };
  }

  async #startServer(context: PartContext): Promise<void> {
    const ready = await this.#startPart('server', context, ServerReady);
    this.info.url = ready.url;
    this.info.setup_url = ready.setup_url ?? null;
    context.ports.http = Number(new URL(ready.url).port) || context.ports.http;
    this.#save();
  }

  async #startCollector(context: PartContext): Promise<void> {
    const ports = await this.#startPart('collector', context, CollectorReady);
    this.info.syslog = { host: this.#settings.syslog.host, ...ports };
    context.ports.syslog = ports.udp_port;
    context.ports.syslogTls = ports.tls_port;
  }

  async #startPart<S extends TSchema>(
    part: Part,
    context: PartContext,
    schema: S,
  ): Promise<Static<S>> {
    this.#step(`starting ${part}`);
    const child = new Child(partPlan(part, context, this.#scripts[part]), {
      onEvent: this.#onEvent,
    });
    this.#parts.set(part, child);
    // Known before it is ready, so that an interruption stops it too.
    this.#add(part, () => child.stop());
    const details = await child.start();
    const parsed = parse(schema, details);
    if (parsed.ok) return parsed.value;
    const faults = parsed.errors.map(({ path, message }) => `${path} ${message}`.trim()).join(', ');
    throw new LaunchError(
      'child_failed',
      `The ready line of ${part} is wrong: ${faults}.`,
      'This is a fault of OPMAS.',
    );
  }

  #add(name: string, stop: () => Promise<void>): void {
    this.#stops.push({ name, stop });
    this.info.children.push(name);
    // An interruption came while this one was starting: nothing further may be started.
    if (this.#stopping) throw new LaunchError('child_failed', 'Interrupted.', 'Start again.');
  }

  #onEvent = (event: ChildEvent) => this.#tell({ kind: 'child', event });

  #step(text: string): void {
    this.#tell({ kind: 'step', text });
  }

  #save(): void {
    writeUpFile(this.info);
  }
}

function partsOf({ roles }: Settings): Part[] {
  const parts: Part[] = [];
  if (roles.some((role) => role === 'api' || role === 'ingest' || role === 'scheduler')) {
    parts.push('server');
  }
  if (roles.includes('host')) parts.push('host');
  if (roles.includes('collector')) parts.push('collector');
  return parts;
}
