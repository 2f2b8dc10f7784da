/** Pull requests to one consumer: a bounded flow of messages that survives everything but `stop`. */
import type { Subscription } from '@nats-io/transport-node';
import type { Bus, BusMessage } from '../connection/bus.ts';
import { toBusMessage } from '../connection/wire.ts';
import { currentWire } from '../connection/wire-bus.ts';
import { BusError, toBusError } from '../errors.ts';
import { busLimits } from '../limits.ts';
import { apiRequest } from './api-request.ts';
import { PROBE, type ProbeAnswer, Probes } from './probes.ts';

export interface PullOptions {
  stream: string;
  consumer: string;
  /** Messages asked for and not yet released, at most. */
  window: number;
  /** Every message; call `release` when it no longer counts. */
  onMessage: (message: BusMessage) => void;
  /** The consumer cannot be reached; told once per outage. The source goes on trying. */
  onTrouble: (error: BusError) => void;
  /** The consumer is reachable again after trouble. */
  onRecovered?: () => void;
  /**
   * The consumer is gone (deleted, or its stream is): before pulling again. Without it there is no right to ask the
   * broker about the consumer either.
   */
  onGone?: () => Promise<void>;
  /** The broker says that it has nothing more at this moment. */
  onIdle?: () => void;
  expiresMs?: number;
  heartbeatMs?: number;
}

/** Attempts in a row before an absent consumer is reported: just after a restart it is being loaded. */
const TOLD_AT = 3;

/** One connection's inbox; a swap makes a second one and drains the first. */
interface Mouth {
  inbox: string;
  subscription: Subscription;
  /** Messages asked for on it and not yet arrived. */
  asked: number;
}

export class PullSource {
  readonly #bus: Bus;
  readonly #options: Required<Pick<PullOptions, 'expiresMs' | 'heartbeatMs'>> & PullOptions;
  readonly #stops: (() => void)[];
  #mouth: Mouth;
  #held = 0;
  #stopped = false;
  #failures = 0;
  #pulls = 0;
  #retry: NodeJS.Timeout | undefined;
  #silence: NodeJS.Timeout | undefined;
  readonly #probes = new Probes();
  #since = performance.now();
  /** Connections on which messages may still be on their way. */
  #leaving = 0;
  #verified = false;
  #verifying = false;
  /** The connection was lost since the last pull: what was asked for will not come. */
  #lost = false;

  constructor(bus: Bus, options: PullOptions) {
    this.#bus = bus;
    this.#options = {
      expiresMs: busLimits.pullExpiresMs,
      heartbeatMs: busLimits.pullHeartbeatMs,
      ...options,
    };
    this.#mouth = this.#openMouth();
    this.#stops = [
      bus.onStatus((status) => {
        if (status.state === 'up') {
          if (this.#lost) this.#restart();
          else this.#pull();
        } else {
          this.#lost = true;
          clearTimeout(this.#silence);
        }
      }),
      bus.onSwap(() => this.#moveOver()),
    ];
    this.#restart();
  }

  /** `count` messages no longer count against the window. */
  release(count: number): void {
    this.#held -= count;
    this.#pull();
  }

  /** Since when (`performance.now()`) nothing that the broker sent can have been lost on the way. */
  get since(): number {
    return this.#since;
  }

  /** Has the broker handed over everything it had at this moment? False also when that cannot be told now. */
  async isDrained(): Promise<boolean> {
    // An unanswered question is still waiting at the broker: another one would wait behind it.
    if (!this.#verified || this.#stopped || this.#probes.open > 0 || this.#leaving > 0)
      return false;
    const [since, mouth] = [this.#since, this.#mouth];
    const answer = await this.#probe();
    return answer === 'none' && since === this.#since && mouth === this.#mouth;
  }

  /** No new messages; resolves when what was under way has been handed over. */
  async stop(): Promise<void> {
    if (this.#stopped) return;
    this.#stopped = true;
    clearTimeout(this.#retry);
    clearTimeout(this.#silence);
    for (const stop of this.#stops) stop();
    await drained(this.#mouth.subscription);
  }

  #openMouth(): Mouth {
    const inbox = this.#bus.inbox();
    const mouth: Mouth = {
      inbox,
      asked: 0,
      subscription: currentWire(this.#bus).subscribe(`${inbox}.*`, {
        callback: (error, msg) => {
          if (error !== null) {
            this.#trouble(
              new BusError(
                'OPMAS_FORBIDDEN',
                `${this.#label()}: the inbox is refused (${error.message})`,
              ),
            );
            return;
          }
          this.#onMessage(
            mouth,
            toBusMessage(msg, (to, data) => this.#bus.publish(to, data)),
          );
        },
      }),
    };
    return mouth;
  }

  #pull(): void {
    if (this.#stopped || !this.#verified || !this.#bus.isUp()) return;
    const { window, stream, consumer, expiresMs, heartbeatMs } = this.#options;
    const free = window - this.#held - this.#mouth.asked;
    if (free < 1 || (free < window / 2 && this.#mouth.asked > 0)) return;
    this.#pulls += 1;
    const request = { batch: free, expires: expiresMs * 1e6, idle_heartbeat: heartbeatMs * 1e6 };
    const sent = this.#bus.publish(
      `$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`,
      JSON.stringify(request),
      {
        reply: `${this.#mouth.inbox}.${this.#pulls}`,
      },
    );
    if (!sent) return;
    this.#mouth.asked += free;
    this.#listenForSilence();
  }

  /** One message more than the window may come of it: it is not counted as asked for. */
  #probe(): Promise<ProbeAnswer> {
    const { stream, consumer } = this.#options;
    return this.#probes.ask(busLimits.probeMs, (token) =>
      this.#bus.publish(`$JS.API.CONSUMER.MSG.NEXT.${stream}.${consumer}`, PROBE, {
        reply: `${this.#mouth.inbox}.${token}`,
      }),
    );
  }

  #onMessage(mouth: Mouth, message: BusMessage): void {
    this.#listenForSilence();
    if (message.status !== 0 && message.subject.startsWith(`${mouth.inbox}.`)) {
      this.#onNotice(mouth, message);
      return;
    }
    this.#recovered();
    this.#probes.delivered();
    mouth.asked = Math.max(0, mouth.asked - 1);
    this.#held += 1;
    this.#options.onMessage(message);
    this.#pull();
  }

  #onNotice(mouth: Mouth, notice: BusMessage): void {
    if (notice.status === 100) {
      this.#recovered();
      this.#options.onIdle?.();
      return;
    }
    if (this.#probes.answered(notice.subject.slice(mouth.inbox.length + 1), notice.status)) return;
    const left = Number(notice.header('Nats-Pending-Messages') ?? Number.NaN);
    mouth.asked = Number.isFinite(left) ? Math.max(0, mouth.asked - left) : 0;
    if (mouth !== this.#mouth || this.#stopped) return;
    if (notice.status === 408) {
      this.#recovered();
      this.#pull();
      return;
    }
    // 503: no such consumer, or it is not loaded yet. 409: deleted, leadership changed, too many pulls.
    mouth.asked = 0;
    const deleted = /delet/i.test(notice.statusText);
    const absent = notice.status === 503;
    this.#trouble(
      new BusError(
        absent || deleted ? 'OPMAS_NOT_FOUND' : 'OPMAS_BROKER_UNAVAILABLE',
        `${this.#label()}: ${notice.status} ${notice.statusText || 'nobody answers there'}`,
      ),
      deleted ? 'deleted' : absent ? 'absent' : 'trouble',
    );
  }

  #trouble(error: BusError, kind: 'trouble' | 'absent' | 'deleted' = 'trouble'): void {
    if (this.#stopped) return;
    this.#verified = false;
    this.#failures += 1;
    if (this.#failures === TOLD_AT || (this.#failures === 1 && kind === 'trouble')) {
      this.#options.onTrouble(error);
    }
    if (this.#retry !== undefined) return;
    const wait = Math.min(
      busLimits.retryMaxMs,
      busLimits.retryMinMs * 2 ** Math.min(this.#failures - 1, 6),
    );
    // A consumer that is only not loaded yet must not be made anew.
    const gone = kind === 'deleted' || (kind === 'absent' && this.#failures >= TOLD_AT);
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      void this.#verify(gone);
    }, wait);
  }

  /**
   * Pulls once the consumer is known to be there; makes it anew before that when it is gone. A broker in
   * operator mode drops a pull request to a missing consumer without a word: one has to ask, or, without the right
   * to, to send a pull request that is answered at once by whoever is there.
   */
  async #verify(gone = false): Promise<void> {
    if (this.#verifying || this.#stopped || !this.#bus.isUp()) return;
    this.#verifying = true;
    try {
      const { stream, consumer, onGone } = this.#options;
      if (gone) await onGone?.();
      if (onGone === undefined) {
        const answer = await this.#probe();
        this.#verified = answer === 'none' || answer === 'some';
        if (answer === 'silent') this.#trouble(this.#nobody(), 'absent');
      } else {
        await apiRequest(this.#bus, `$JS.API.CONSUMER.INFO.${stream}.${consumer}`);
        this.#verified = true;
      }
    } catch (error) {
      const fault = toBusError(this.#label(), error);
      // No right to ask: pull, and let silence tell.
      if (fault.code === 'OPMAS_FORBIDDEN') this.#verified = true;
      else if (this.#bus.isUp())
        this.#trouble(fault, fault.code === 'OPMAS_NOT_FOUND' ? 'absent' : 'trouble');
    } finally {
      this.#verifying = false;
    }
    if (!this.#verified || this.#stopped) return;
    this.#recovered();
    this.#pull();
  }

  #recovered(): void {
    if (this.#failures === 0) return;
    const told = this.#failures >= TOLD_AT;
    this.#failures = 0;
    if (told) this.#options.onRecovered?.();
  }

  /** No message, no heartbeat: the request was lost (the broker restarted, its leader moved). */
  #listenForSilence(): void {
    clearTimeout(this.#silence);
    if (this.#mouth.asked === 0 || this.#stopped) return;
    this.#silence = setTimeout(() => this.#restart(), this.#options.heartbeatMs * 2.5);
    this.#silence.unref();
  }

  #restart(): void {
    this.#lost = false;
    this.#since = performance.now();
    this.#mouth.asked = 0;
    clearTimeout(this.#retry);
    this.#retry = undefined;
    this.#verified = false;
    void this.#verify();
  }

  #moveOver(): void {
    const old = this.#mouth;
    this.#mouth = this.#openMouth();
    if (this.#verified) {
      this.#lost = false;
      this.#pull();
    } else this.#restart();
    this.#leaving += 1;
    void drained(old.subscription).then((whole) => {
      this.#leaving -= 1;
      if (!whole) this.#since = performance.now();
    });
  }

  #nobody(): BusError {
    return new BusError('OPMAS_NOT_FOUND', `${this.#label()}: nobody answers there`);
  }

  #label(): string {
    return `consumer ${this.#options.consumer} of stream ${this.#options.stream}`;
  }
}

/**
 * A drain cut short by a lost connection is complete: nothing more can arrive.
 * @returns false when what was on its way may be lost
 */
async function drained(subscription: Subscription): Promise<boolean> {
  if (subscription.isClosed()) return false;
  try {
    await subscription.drain();
    return true;
  } catch {
    subscription.unsubscribe();
    return false;
  }
}
