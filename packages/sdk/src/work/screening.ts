/** Decides which events of a message have to be read at all: by its bytes, before anything is parsed. */
import { limits as wire } from '@opmas/protocol';
import { PayloadScreen, type Ruleset, type Screened } from '@opmas/rules';
import { limits } from '../limits.ts';
import type { Delivery } from './delivery.ts';

export interface ScreeningPorts {
  /** The rules that decide on everything an event may do; undefined when something else does. */
  ruleset(): Ruleset | undefined;
  /** One of so many events that match nothing is read and validated; 1: all are. */
  validateEvery(): number;
}

/**
 * An event is left unread when no rule can match it, and its bytes prove it valid or it is not its turn to be
 * validated. Never of a message with a single event, of one that came before, or of a topic in which something invalid
 * was found lately.
 */
export class Screening {
  readonly #ports: ScreeningPorts;
  #screen: { every: number; payloads: PayloadScreen } | undefined;
  /** By topic: events to be read before others may be left unread again. */
  readonly #distrusted = new Map<string, number>();
  /** Messages that are read whole: screening did not pay. */
  #pause = 0;
  #nextPause = 1;

  constructor(ports: ScreeningPorts) {
    this.#ports = ports;
  }

  /** What of a message has to be read; undefined: all. */
  screen({ topic, data, deliveries }: Delivery): Screened | undefined {
    const every = this.#ports.validateEvery();
    if (deliveries > 1 || this.#distrusted.has(topic)) return undefined;
    const ruleset = this.#ports.ruleset();
    if (ruleset === undefined) return undefined;
    if (this.#pause > 0) {
      this.#pause -= 1;
      return undefined;
    }
    if (this.#screen?.every !== every) {
      this.#screen = { every, payloads: new PayloadScreen({ validateOneIn: every }) };
    }
    const last = ruleset.windows.length > 0;
    const screened = this.#screen.payloads.screen(ruleset, data, { last });
    const parts = screened === undefined ? 0 : screened.read.length + screened.skipped;
    const isWorth = screened !== undefined && screened.read.length <= parts * limits.screenedShare;
    this.#pause = isWorth ? 0 : this.#nextPause;
    this.#nextPause = isWorth ? 1 : Math.min(limits.screenPause, this.#nextPause * 2);
    return parts > 1 && parts <= wire.batchEvents ? screened : undefined;
  }

  /** Something of the topic is no event: for a while everything is read. */
  distrust(topic: string): void {
    this.#distrusted.set(topic, limits.trustedEvents);
    if (this.#distrusted.size <= limits.distrustedTopics) return;
    const oldest = this.#distrusted.keys().next();
    if (oldest.done !== true) this.#distrusted.delete(oldest.value);
  }

  /** So many events of the topic were read, and all were events. */
  valid(topic: string, events: number): void {
    const left = this.#distrusted.get(topic);
    if (left === undefined) return;
    if (left > events) this.#distrusted.set(topic, left - events);
    else this.#distrusted.delete(topic);
  }
}
