/** WireBus: one Bus over a succession of connections, so that swaps and outages are invisible above. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createInbox, type NatsConnection, nuid, type Subscription } from '@nats-io/transport-node';
import { BusError, isAuthError, toBusError } from '../errors.ts';
import { busLimits } from '../limits.ts';
import type { Credentials } from '../trust/creds.ts';
import type {
  Bus,
  BusLogger,
  BusMessage,
  BusStatus,
  BusSubscription,
  ConnectOptions,
  Payload,
  PublishOptions,
  SubscribeOptions,
  Violation,
} from './bus.ts';
import { violationOf, within } from './helpers.ts';
import { Listeners } from './listeners.ts';
import { encodeHeaders, openWire, toBusMessage } from './wire.ts';

const wires = new WeakMap<Bus, () => NatsConnection>();

/** For this package alone: the library's connection in use at this moment. Never keep it. */
export function currentWire(bus: Bus): NatsConnection {
  const wire = wires.get(bus);
  if (wire === undefined) throw new Error('this Bus was not made by connectBus');
  return wire();
}

interface Entry {
  subject: string;
  queue: string | undefined;
  handler: (message: BusMessage) => void | Promise<void>;
  live: Subscription | undefined;
}

export class WireBus implements Bus {
  readonly name: string;
  readonly #options: ConnectOptions;
  readonly #logger: BusLogger;
  readonly #entries = new Set<Entry>();
  readonly #status = new Listeners<BusStatus>();
  readonly #violations = new Listeners<Violation>();
  readonly #swaps = new Listeners<void>();
  readonly #pending = new Map<NatsConnection, number>();
  #credentials: () => Credentials | undefined;
  #wire: NatsConnection;
  #up = true;
  #unauthorized = false;
  #closing = false;
  #swapping: Promise<void> = Promise.resolve();
  #reconnects = 0;
  #retired = { inMsgs: 0, outMsgs: 0, inBytes: 0, outBytes: 0 };

  constructor(
    options: ConnectOptions,
    credentials: () => Credentials | undefined,
    wire: NatsConnection,
  ) {
    this.name = options.name;
    this.#options = options;
    this.#logger = options.logger;
    this.#credentials = credentials;
    this.#wire = wire;
    wires.set(this, () => this.#wire);
    this.#follow(wire);
  }

  publish(subject: string, data: Payload = '', options: PublishOptions = {}): boolean {
    if (!this.#up || this.#wire.isClosed()) return false;
    try {
      this.#wire.publish(subject, data, {
        ...(options.headers === undefined ? {} : { headers: encodeHeaders(options.headers) }),
        ...(options.reply === undefined ? {} : { reply: options.reply }),
      });
      return true;
    } catch (error) {
      throw toBusError(`publishing to ${subject}`, error);
    }
  }

  async request(
    subject: string,
    data: Payload = '',
    options: { timeoutMs?: number; headers?: Record<string, string> } = {},
  ): Promise<BusMessage> {
    const { timeoutMs = busLimits.requestTimeoutMs, headers } = options;
    if (!this.#up) throw this.#downError(`request to ${subject}`);
    const wire = this.#wire;
    this.#pending.set(wire, (this.#pending.get(wire) ?? 0) + 1);
    try {
      const answer = await this.#unlessDown(
        subject,
        wire.request(subject, data, {
          timeout: timeoutMs,
          ...(headers === undefined ? {} : { headers: encodeHeaders(headers) }),
        }),
      );
      return toBusMessage(answer, (to, payload) => this.publish(to, payload));
    } catch (error) {
      throw toBusError(`request to ${subject}`, error);
    } finally {
      const left = (this.#pending.get(wire) ?? 1) - 1;
      if (left === 0) this.#pending.delete(wire);
      else this.#pending.set(wire, left);
    }
  }

  subscribe(
    subject: string,
    handler: (message: BusMessage) => void | Promise<void>,
    options: SubscribeOptions = {},
  ): BusSubscription {
    if (this.#closing)
      throw new BusError(
        'OPMAS_BROKER_UNAVAILABLE',
        `subscribing to ${subject}: the bus is closed`,
      );
    // A queue group of its own makes the overlap of a swap deliver each message exactly once.
    const entry: Entry = {
      subject,
      handler,
      queue: options.inbox === true ? undefined : (options.queue ?? `q-${nuid.next()}`),
      live: undefined,
    };
    entry.live = this.#listen(this.#wire, entry);
    this.#entries.add(entry);
    return {
      subject,
      stop: async () => {
        if (!this.#entries.delete(entry)) return;
        await this.#retireSubscription(entry.live);
      },
    };
  }

  async flush(): Promise<void> {
    if (!this.#up) throw this.#downError('flush');
    try {
      await this.#wire.flush();
    } catch (error) {
      throw toBusError('flush', error);
    }
  }

  inbox(): string {
    return createInbox(this.#options.inboxPrefix);
  }

  onStatus(listener: (status: BusStatus) => void) {
    return this.#status.add(listener);
  }

  onViolation(listener: (violation: Violation) => void) {
    return this.#violations.add(listener);
  }

  onSwap(listener: () => void) {
    return this.#swaps.add(listener);
  }

  swap(credentials?: Credentials): Promise<void> {
    const turn = this.#swapping.then(async () => {
      if (this.#closing) throw new BusError('OPMAS_BROKER_UNAVAILABLE', 'swap: the bus is closed');
      const source = credentials === undefined ? this.#credentials : () => credentials;
      await this.#replace(await openWire(this.#options, source), source);
    });
    this.#swapping = turn.catch(() => undefined);
    return turn;
  }

  async whenUp(timeoutMs: number): Promise<void> {
    if (this.#up) return;
    await new Promise<void>((resolve, reject) => {
      const done = (error?: BusError) => {
        clearTimeout(timer);
        stop();
        if (error === undefined) resolve();
        else reject(error);
      };
      const timer = setTimeout(
        () =>
          done(new BusError('OPMAS_TIMEOUT', `the broker was not reachable for ${timeoutMs} ms`)),
        timeoutMs,
      );
      const stop = this.onStatus((status) => {
        if (status.state === 'up') done();
        if (status.state === 'closed') done(this.#downError('waiting'));
      });
    });
  }

  isUp() {
    return this.#up;
  }

  serverVersion() {
    return this.#wire.info?.version ?? '';
  }

  maxPayload() {
    return this.#wire.info?.max_payload ?? 1024 * 1024;
  }

  stats() {
    const now = this.#wire.stats();
    return {
      inMessages: this.#retired.inMsgs + now.inMsgs,
      outMessages: this.#retired.outMsgs + now.outMsgs,
      inBytes: this.#retired.inBytes + now.inBytes,
      outBytes: this.#retired.outBytes + now.outBytes,
      reconnects: this.#reconnects,
    };
  }

  async drain(): Promise<void> {
    if (this.#closing) return;
    await this.#swapping;
    if (this.#up) {
      await Promise.all([...this.#entries].map((entry) => this.#retireSubscription(entry.live)));
      await this.#settled(this.#wire);
      if (this.#up) await within(this.#wire.flush(), busLimits.drainMs);
    }
    await this.close();
  }

  async close(): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    this.#up = false;
    this.#entries.clear();
    await this.#wire.close();
    this.#tell({ state: 'closed', reason: 'closed by this process', unauthorized: false });
  }

  /** An answer cannot come over a lost connection: rejects then, instead of at the timeout. */
  async #unlessDown<T>(subject: string, answer: Promise<T>): Promise<T> {
    let stop = () => {};
    const lost = new Promise<never>((_, reject) => {
      stop = this.#status.add((status) => {
        if (status.state !== 'up') reject(this.#downError(`request to ${subject}`));
      });
    });
    try {
      return await Promise.race([answer, lost]);
    } finally {
      stop();
    }
  }

  #listen(wire: NatsConnection, entry: Entry): Subscription {
    return wire.subscribe(entry.subject, {
      ...(entry.queue === undefined ? {} : { queue: entry.queue }),
      callback: (error, msg) => {
        if (error !== null) {
          this.#logger.error(
            { subject: entry.subject, error: error.message },
            'subscription refused',
          );
          return;
        }
        this.#hand(
          entry,
          toBusMessage(msg, (to, payload) => this.publish(to, payload)),
        );
      },
    });
  }

  #hand(entry: Entry, message: BusMessage): void {
    const failed = (error: unknown) =>
      this.#logger.error(
        { subject: message.subject, error: String(error) },
        'message handler failed',
      );
    try {
      const result = entry.handler(message);
      if (result instanceof Promise) result.catch(failed);
    } catch (error) {
      failed(error);
    }
  }

  /** Moves everything to `next`, then closes the old connection once its answers have arrived. */
  async #replace(next: NatsConnection, source: () => Credentials | undefined): Promise<void> {
    const old = this.#wire;
    const moved = [...this.#entries].map((entry) => ({
      entry,
      before: entry.live,
      after: this.#listen(next, entry),
    }));
    try {
      await within(next.flush(), busLimits.drainMs);
    } catch (error) {
      await next.close();
      throw toBusError('swap', error);
    }
    for (const { entry, after } of moved) entry.live = after;
    // What was subscribed while the flush was under way is on the old connection only.
    for (const entry of this.#entries) {
      if (!moved.some((move) => move.entry === entry)) {
        moved.push({ entry, before: entry.live, after: (entry.live = this.#listen(next, entry)) });
      }
    }
    this.#wire = next;
    this.#credentials = source;
    this.#follow(next);
    // Consumers move first: what hears `up` may then rely on them.
    const wasUp = this.#up;
    this.#up = true;
    this.#swaps.emit();
    if (!wasUp) this.#tellUp('connected with new credentials');
    else this.#logger.info({}, 'broker connection replaced');
    await this.#retire(
      old,
      moved.map((move) => move.before),
    );
  }

  async #retire(old: NatsConnection, subscriptions: (Subscription | undefined)[]): Promise<void> {
    if (!old.isClosed()) {
      await Promise.all(
        subscriptions.map((subscription) => this.#retireSubscription(subscription)),
      );
      await this.#settled(old);
    }
    const last = old.stats();
    for (const key of ['inMsgs', 'outMsgs', 'inBytes', 'outBytes'] as const)
      this.#retired[key] += last[key];
    await within(old.drain(), busLimits.drainMs).catch(() => old.close());
  }

  async #retireSubscription(subscription: Subscription | undefined): Promise<void> {
    if (subscription === undefined || subscription.isClosed()) return;
    await within(subscription.drain(), busLimits.drainMs).catch(() => subscription.unsubscribe());
  }

  /** Waits until no request is under way on `wire`, at most drainMs. */
  async #settled(wire: NatsConnection): Promise<void> {
    const deadline = performance.now() + busLimits.drainMs;
    while (this.#pending.has(wire) && performance.now() < deadline) await sleep(5);
  }

  #follow(wire: NatsConnection): void {
    const run = async () => {
      for await (const status of wire.status()) {
        if (wire !== this.#wire) return;
        if (status.type === 'disconnect')
          this.#down(
            this.#unauthorized ? 'credentials refused, expired or revoked' : 'connection lost',
          );
        else if (status.type === 'reconnect') {
          this.#reconnects += 1;
          this.#tellUp('reconnected');
        } else if (status.type === 'error') this.#fault(status.error);
        else if (status.type === 'slowConsumer')
          this.#logger.warn(
            { pending: status.pending },
            'messages arrive faster than they are handled',
          );
      }
      await this.#ended(wire, await wire.closed());
    };
    run().catch((error: unknown) =>
      this.#logger.error({ error: String(error) }, 'watching the connection failed'),
    );
  }

  /** The library gave up on its own (a credentials function threw): open another connection. */
  async #ended(wire: NatsConnection, why: void | Error): Promise<void> {
    while (!this.#closing && wire === this.#wire) {
      this.#down(why instanceof Error ? why.message : 'connection ended');
      await sleep(busLimits.retryMaxMs);
      if (this.#closing || wire !== this.#wire) return;
      await this.swap().catch((error: unknown) =>
        this.#logger.warn({ error: String(error) }, 'reconnecting failed; trying again'),
      );
    }
  }

  #fault(error: Error): void {
    const violation = violationOf(error);
    if (violation !== undefined) {
      this.#logger.error({ ...violation }, 'the broker refuses this: a permission is missing');
      this.#violations.emit(violation);
      return;
    }
    if (isAuthError(error)) {
      const known = this.#unauthorized;
      this.#unauthorized = true;
      if (!this.#up && !known)
        this.#tell({ state: 'down', reason: error.message, unauthorized: true });
    }
    this.#logger.warn({ error: error.message }, 'the broker reports an error');
  }

  #tellUp(reason: string): void {
    this.#unauthorized = false;
    this.#up = true;
    this.#tell({ state: 'up', reason, unauthorized: false });
  }

  #down(reason: string): void {
    if (this.#closing) return;
    this.#up = false;
    this.#tell({ state: 'down', reason, unauthorized: this.#unauthorized });
  }

  #tell(status: BusStatus): void {
    const level = status.state === 'down' ? 'warn' : 'info';
    this.#logger[level]({ ...status }, `broker connection ${status.state}`);
    this.#status.emit(status);
  }

  #downError(what: string): BusError {
    return new BusError('OPMAS_BROKER_UNAVAILABLE', `${what}: not connected to the broker`);
  }
}
