/** The watch of a bucket: state, not history; after every outage what is known is compared with what is. */
import type { Bus, BusMessage } from '../connection/bus.ts';
import { apiRequest } from '../consume/api-request.ts';
import { readAckSubject } from '../consume/message.ts';
import { PullSource } from '../consume/pull-source.ts';
import { BusError, toBusError } from '../errors.ts';
import { busLimits } from '../limits.ts';

export interface WatchOptions {
  onPut: (entry: { key: string; value: Uint8Array; revision: number }) => void;
  onDelete: (key: string) => void;
  /** All keys there were at the start have been told; again after every resynchronisation. */
  onReady?: () => void;
  onError: (error: unknown) => void;
}

const RETRY_MS = 1_000;

export class KvWatch {
  readonly #bus: Bus;
  readonly #stream: string;
  readonly #subjects: string;
  readonly #base: string;
  readonly #watcher: string;
  readonly #exists: (key: string) => Promise<boolean>;
  readonly #options: WatchOptions;
  readonly #stops: (() => void)[];
  readonly #known = new Map<string, number>();
  /** Keys told since the last (re)start of the consumer; undefined once the snapshot is complete. */
  #fresh: Set<string> | undefined;
  #source: PullSource | undefined;
  #stopped = false;
  #starting = false;
  #again = false;
  #told: string | undefined;
  #timer: NodeJS.Timeout | undefined;

  constructor(
    bus: Bus,
    bucket: string,
    prefix: string,
    watcher: string,
    exists: (key: string) => Promise<boolean>,
    options: WatchOptions,
  ) {
    if (prefix !== '' && !/^([-/=\w]+\.)+$/.test(prefix)) {
      throw new BusError(
        'OPMAS_INVALID_REQUEST',
        `${JSON.stringify(prefix)} is no key prefix: it ends with a dot`,
      );
    }
    this.#bus = bus;
    this.#exists = exists;
    this.#stream = `KV_${bucket}`;
    this.#base = `$KV.${bucket}.`;
    this.#subjects = `${this.#base}${prefix}>`;
    this.#watcher = watcher;
    this.#options = options;
    // The consumer lives in the broker's memory: a restart or a long outage ends it.
    this.#stops = [
      bus.onStatus((status) => {
        if (status.state === 'up') this.#start();
      }),
    ];
    this.#start();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    for (const stop of this.#stops) stop();
    await this.#source?.stop();
    if (this.#bus.isUp())
      this.#bus.publish(`$JS.API.CONSUMER.DELETE.${this.#stream}.${this.#watcher}`);
  }

  #start(): void {
    if (this.#stopped || !this.#bus.isUp()) return;
    if (this.#starting) {
      this.#again = true;
      return;
    }
    this.#starting = true;
    this.#again = false;
    clearTimeout(this.#timer);
    this.#restart()
      .catch((error: unknown) => {
        const fault = toBusError(`watching ${this.#subjects}`, error);
        // Told once per kind of outage, however long it lasts.
        if (fault.code !== this.#told) this.#options.onError(fault);
        this.#told = fault.code;
        this.#timer = setTimeout(() => this.#start(), RETRY_MS);
      })
      .finally(() => {
        this.#starting = false;
        if (this.#again) this.#start();
      });
  }

  async #restart(): Promise<void> {
    await this.#source?.stop();
    this.#source = undefined;
    const { pending } = await this.#makeConsumer();
    this.#told = undefined;
    if (this.#stopped) return;
    this.#fresh = new Set();
    if (pending === 0) this.#complete();
    const source: PullSource = new PullSource(this.#bus, {
      stream: this.#stream,
      consumer: this.#watcher,
      window: 256,
      onMessage: (message) => {
        source.release(1);
        if (this.#source === source) this.#onMessage(message);
      },
      onIdle: () => {
        if (this.#source === source) this.#complete();
      },
      onTrouble: (error) => {
        if (this.#source === source) this.#options.onError(error);
      },
      onGone: () => {
        if (this.#source === source) queueMicrotask(() => this.#start());
        return Promise.resolve();
      },
    });
    this.#source = source;
  }

  async #makeConsumer(): Promise<{ pending: number }> {
    const remove = `$JS.API.CONSUMER.DELETE.${this.#stream}.${this.#watcher}`;
    await apiRequest(this.#bus, remove).catch((error: unknown) => {
      if (!(error instanceof BusError) || error.code !== 'OPMAS_NOT_FOUND') throw error;
    });
    const config = {
      name: this.#watcher,
      deliver_policy: 'last_per_subject',
      ack_policy: 'none',
      filter_subject: this.#subjects,
      replay_policy: 'instant',
      mem_storage: true,
      num_replicas: 1,
      inactive_threshold: 5 * 60 * 1e9,
    };
    const body = JSON.stringify({ stream_name: this.#stream, config });
    const info = await apiRequest(
      this.#bus,
      `$JS.API.CONSUMER.CREATE.${this.#stream}.${this.#watcher}.${this.#subjects}`,
      body,
    );
    const pending: unknown = Reflect.get(info, 'num_pending');
    return { pending: typeof pending === 'number' ? pending : 0 };
  }

  #onMessage(message: BusMessage): void {
    const at = message.reply === undefined ? undefined : readAckSubject(message.reply);
    if (at === undefined || !message.subject.startsWith(this.#base)) return;
    const key = message.subject.slice(this.#base.length);
    const removed = message.header('KV-Operation') !== undefined;
    this.#fresh?.add(key);
    if (removed) {
      if (this.#known.delete(key)) this.#options.onDelete(key);
    } else if (this.#known.get(key) !== at.seq) {
      if (!this.#known.has(key) && this.#known.size >= busLimits.watchedKeys) {
        this.#options.onError(
          new BusError(
            'OPMAS_RESOURCE_EXHAUSTED',
            `more than ${busLimits.watchedKeys} keys under ${this.#subjects}`,
          ),
        );
      } else {
        this.#known.set(key, at.seq);
        this.#options.onPut({ key, value: message.data, revision: at.seq });
      }
    }
    if (at.pending === 0) this.#complete();
  }

  /** The snapshot is whole: what was known and is not in it was deleted meanwhile. */
  #complete(): void {
    const fresh = this.#fresh;
    if (fresh === undefined) return;
    this.#fresh = undefined;
    const missing = [...this.#known].filter(([key]) => !fresh.has(key));
    if (missing.length === 0) {
      this.#options.onReady?.();
      return;
    }
    this.#confirmGone(missing).catch((error: unknown) => {
      this.#options.onError(toBusError(`watching ${this.#subjects}`, error));
      if (!this.#stopped) this.#timer = setTimeout(() => this.#start(), RETRY_MS);
    });
  }

  /** A deletion may stop an agent: each is confirmed by asking for the key before it is told. */
  async #confirmGone(missing: [key: string, revision: number][]): Promise<void> {
    for (const [key, revision] of missing) {
      if (await this.#exists(key)) continue;
      if (this.#known.get(key) !== revision || this.#stopped) continue;
      this.#known.delete(key);
      this.#options.onDelete(key);
    }
    if (!this.#stopped) this.#options.onReady?.();
  }
}
