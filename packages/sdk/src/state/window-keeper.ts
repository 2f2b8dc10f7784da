/** An agent's windows at work: restored at the start, kept before each acknowledgement, and watched for absence. */
import type { LogEvent } from '@opmas/protocol';
import { type Firing, type Match, type WindowStats, Windows, type WithWindows } from '@opmas/rules';
import { type Clock, pause, within } from '../clock.ts';
import { AgentError, messageOf } from '../errors.ts';
import { limits } from '../limits.ts';
import { Retries } from './retries.ts';
import type { WindowLog } from './window-log.ts';

export interface KeeperPorts {
  clock: Clock;
  log: WindowLog;
  /** The rules in force. */
  ruleset(): WithWindows;
  /** Makes and publishes what an absence stands for; resolves when it is stored. */
  missed(firing: Firing): Promise<void>;
  /**
   * Keeps elsewhere what could not be told in `limits.absenceTries` tries, `error` the last time.
   * @throws when it must be tried again all the same
   */
  giveUp(firing: Firing, error: unknown, tries: number): Promise<void>;
  /**
   * Everything that came in before this moment has been counted. Milliseconds; may look back.
   * @throws when that cannot be told now
   */
  countedUpTo(): Promise<number>;
  /** Another instance counts for this agent. */
  waiting(): void;
  /** Lines that could not be read; windows that gave way. */
  trouble(message: string, context: object): void;
  /** What is to be counted in metrics. */
  stats(stats: WindowStats): void;
}

/** What an event's matches came to. */
export interface Settled {
  found: (Match | Firing)[];
  firings: Firing[];
  /** Something was counted: the event may be acknowledged, and its findings published, after this. */
  stored: Promise<void> | undefined;
}

export class WindowKeeper {
  readonly #ports: KeeperPorts;
  readonly #windows = new Windows();
  readonly #ending = new AbortController();
  #adopted: WithWindows | undefined;
  #opening: Promise<void> | undefined;
  #open = false;
  #writing: Promise<void> = Promise.resolve();
  #next: Promise<void> | undefined;
  /** The file has to be written anew: it is not there yet, has grown, or a write failed. */
  #replace = true;
  #sizeAtReplace = 0;
  readonly #retries = new Retries();
  #cancelLook: (() => void) | undefined;
  #looking: Promise<void> = Promise.resolve();
  #evictionsTold = 0;
  #toldAt = Number.NEGATIVE_INFINITY;

  constructor(ports: KeeperPorts) {
    this.#ports = ports;
  }

  /**
   * To be awaited before events are matched. With rules that count over time, and not before there are any, it
   * waits until no other instance counts for this agent, and restores what the last one kept; or until `close`.
   */
  async ready(): Promise<void> {
    if (this.#open || this.#ports.ruleset().windows.length === 0) return;
    this.#opening ??= this.#start().catch((error: unknown) => {
      this.#opening = undefined;
      throw error;
    });
    await this.#opening;
  }

  get stats(): WindowStats {
    return this.#windows.stats;
  }

  /**
   * Counts what has to be counted.
   * @param matches of the rules in force; no change of rules may come between the matching and this
   */
  settle(matches: readonly Match[], event: LogEvent): Settled {
    this.#follow();
    const counts = matches.some((match) => this.#windows.counts(match));
    if (!counts) return { found: [...matches], firings: [], stored: undefined };
    const found = this.#windows.settleMatches(matches, event, this.#ports.clock.now());
    const firings = found.filter((match): match is Firing => 'window' in match);
    this.#plan();
    return { found, firings, stored: this.stored() };
  }

  /** The firing's finding is stored. */
  told(firing: Firing): void {
    this.#windows.settle(firing);
  }

  /** Resolves when everything counted so far is kept. Calls that come meanwhile share one write. */
  stored(): Promise<void> {
    if (this.#next === undefined) {
      const next = this.#writing
        .catch(() => {})
        .then(() => {
          this.#next = undefined;
          this.#writing = this.#write();
          return this.#writing;
        });
      // Each event that waits for it is told; nobody may be waiting.
      next.catch(() => {});
      this.#next = next;
    }
    return this.#next;
  }

  /**
   * Keeps what is left, and lets another instance count.
   * @param tellMs how long what is being told may take, at most `limits.lastTellMs`
   */
  async close(tellMs: number = limits.lastTellMs): Promise<void> {
    this.#ending.abort();
    this.#cancelLook?.();
    this.#cancelLook = undefined;
    await this.#opening?.catch(() => {});
    await this.#lookEnds(Math.min(tellMs, limits.lastTellMs));
    if (this.#open) {
      await this.stored().catch((error: unknown) =>
        this.#ports.trouble('the windows of rules could not be kept', { error: messageOf(error) }),
      );
    }
    this.#open = false;
    await this.#ports.log.close();
  }

  /** What is being told when the agent ends is not waited for long: it is kept, and told by the next start. */
  async #lookEnds(ms: number): Promise<void> {
    const late = () => new AgentError('OPMAS_TIMEOUT', 'not told in time: the next start tells it');
    try {
      await within(this.#ports.clock, ms, this.#looking, late);
    } catch (error) {
      this.#ports.trouble('what is absent was not told to the end', { error: messageOf(error) });
    }
  }

  /** Windows follow the rules in force, whoever changed them and however often. */
  #follow(): void {
    const ruleset = this.#ports.ruleset();
    if (ruleset === this.#adopted) return;
    this.#windows.adopt(ruleset);
    this.#adopted = ruleset;
  }

  async #start(): Promise<void> {
    const { log, clock } = this.#ports;
    const { signal } = this.#ending;
    for (let told = false; !(await log.take()); ) {
      if (!told) this.#ports.waiting();
      told = true;
      await pause(clock, limits.standbyMs, signal);
      // Stopped while it stood by: it counts nothing, and what comes is given back.
      if (signal.aborted) return;
    }
    this.#follow();
    let broken = 0;
    await log.read((line) => {
      if (!this.#windows.restore(line)) broken += 1;
    });
    // The last line may have been under way when the machine went down: its event was not acknowledged.
    if (broken > 1)
      this.#ports.trouble('some windows of rules could not be read', { lines: broken });
    this.#open = true;
    this.#plan();
  }

  async #write(): Promise<void> {
    if (!this.#open) throw new AgentError('OPMAS_UNAVAILABLE', 'the windows of rules are not open');
    const { log } = this.#ports;
    const changes = this.#windows.changes();
    if (changes.length === 0 && !this.#replace) return;
    const grown = log.size > Math.max(limits.windowLogBytes, 4 * this.#sizeAtReplace);
    if (this.#replace || grown) {
      // Holds the changes just taken; those that come meanwhile are added by the next write.
      this.#replace = true;
      await log.replace(this.#pieces());
      this.#replace = false;
      this.#sizeAtReplace = log.size;
    } else {
      try {
        await log.append(changes);
      } catch (error) {
        this.#replace = true;
        throw error;
      }
    }
    this.#tell();
  }

  *#pieces(): Generator<string[]> {
    let piece: string[] = [];
    for (const line of this.#windows.all(this.#ports.clock.now())) {
      piece.push(line);
      if (piece.length < limits.windowLinesAtOnce) continue;
      yield piece;
      piece = [];
    }
    yield piece;
  }

  #tell(): void {
    const { stats } = this.#windows;
    this.#ports.stats(stats);
    const now = this.#ports.clock.now();
    if (stats.evicted === this.#evictionsTold || now < this.#toldAt + limits.evictionsTellMs)
      return;
    this.#toldAt = now;
    const more = stats.evicted - this.#evictionsTold;
    this.#evictionsTold = stats.evicted;
    this.#ports.trouble(
      `${more} windows of rules gave way to others: there are more keys than fit, and findings may be missed`,
      { rules: this.#windows.evictions().slice(0, 10) },
    );
  }

  /** Looks at the next moment at which something is missed, and a second later while that cannot be told. */
  #plan(atLeastMs = 0): void {
    if (!this.#open || this.#ending.signal.aborted || this.#cancelLook !== undefined) return;
    const due = Math.min(this.#windows.nextDue, this.#retries.nextAt);
    if (due === Number.POSITIVE_INFINITY) return;
    const { clock } = this.#ports;
    const delay = Math.min(Math.max(due - clock.now(), atLeastMs), limits.absenceLookMs);
    this.#cancelLook = clock.after(Math.max(delay, 1), () => {
      this.#looking = this.#look()
        .catch((error: unknown) =>
          this.#ports.trouble('what is absent cannot be told now', { error: messageOf(error) }),
        )
        .finally(() => {
          this.#cancelLook = undefined;
          this.#plan(limits.absenceRetryMs);
        });
    });
  }

  async #look(): Promise<void> {
    this.#follow();
    const now = this.#ports.clock.now();
    for (const firing of this.#retries.over(now)) this.#windows.release(firing);
    if (this.#windows.nextDue > now) return;
    const firings = this.#windows.due(await this.#ports.countedUpTo());
    this.#retries.keepOnly(firings);
    if (firings.length === 0) return;
    try {
      await this.stored();
    } catch (error) {
      for (const firing of firings) this.#windows.release(firing);
      throw error;
    }
    for (const firing of firings) {
      if (this.#ending.signal.aborted) return;
      await this.#tellMissed(firing);
    }
    await this.stored();
  }

  /** Never rejects: the next one is told all the same. */
  async #tellMissed(firing: Firing): Promise<void> {
    const { missed, giveUp, trouble, clock } = this.#ports;
    try {
      await missed(firing);
    } catch (error) {
      const tries = this.#retries.failed(firing, clock.now());
      const context = { rule_id: firing.rule.id, tries, error: messageOf(error) };
      if (tries < limits.absenceTries) {
        trouble('what is absent could not be told, and is tried again', context);
        return;
      }
      try {
        await giveUp(firing, error, tries);
        trouble('what is absent could not be told, and is a dead letter now', context);
      } catch (second) {
        const why = messageOf(second);
        trouble('what is absent could not be told, and is tried again', { ...context, why });
        return;
      }
    }
    this.#retries.forget(firing);
    this.#windows.settle(firing);
  }
}
