/** Sends the status when it has changed: at most once a second, outcomes of configurations at once, the last state always. */
import type { AgentStatusReport } from '@opmas/protocol';
import type { Clock } from '../clock.ts';
import { limits } from '../limits.ts';

export class Announcer {
  readonly #clock: Clock;
  readonly #report: () => AgentStatusReport;
  readonly #send: (report: AgentStatusReport) => void;
  #last = '';
  #sentAt = 0;
  #cancel: () => void = () => {};

  constructor(
    clock: Clock,
    report: () => AgentStatusReport,
    send: (report: AgentStatusReport) => void,
  ) {
    this.#clock = clock;
    this.#report = report;
    this.#send = send;
  }

  /** Sends when it differs from the last one sent; within the second after that one, when it is over. */
  announce(): void {
    this.#cancel();
    const report = this.#report();
    if (essenceOf(report) === this.#last) return;
    const wait = this.#sentAt + limits.statusGapMs - this.#clock.now();
    if (wait > 0) this.#cancel = this.#clock.after(wait, () => this.announce());
    else this.#now(report);
  }

  /**
   * Sends at once when it differs: what became of a configuration, which somebody waits for. After new
   * credentials it stands for the answer that can no longer be given.
   */
  outcome(): void {
    const report = this.#report();
    if (essenceOf(report) === this.#last) return;
    this.#cancel();
    this.#now(report);
  }

  /** Sends in any case, and now: after a reconnect, and at the end. */
  repeat(): void {
    this.#cancel();
    this.#now(this.#report());
  }

  #now(report: AgentStatusReport): void {
    this.#sentAt = this.#clock.now();
    this.#last = essenceOf(report);
    this.#send(report);
  }
}

function essenceOf(report: AgentStatusReport): string {
  return JSON.stringify([report.status, report.reason, report.config, report.disabled_rules]);
}
