/** The way of log lines: stdout at once, the broker when it is there, a bounded wait in between. */
import type { AgentLogLine } from '@opmas/protocol';
import type { Clock } from '../clock.ts';
import { limits } from '../limits.ts';
import { rateLimited } from '../logger.ts';

export class LogPipe {
  readonly #stdout: (text: string) => void;
  readonly #limited: (line: AgentLogLine) => void;
  readonly #waiting: AgentLogLine[] = [];
  #send: ((line: AgentLogLine) => boolean) | undefined;

  constructor(clock: Clock, stdout: (text: string) => void) {
    this.#stdout = stdout;
    this.#limited = rateLimited(clock, limits.logLinesPerSecond, (line) => this.#pass(line));
  }

  write(line: AgentLogLine): void {
    this.#stdout(`${JSON.stringify(line)}\n`);
    this.#limited(line);
  }

  /** From now on lines go through `send`, which says whether they left; first those that waited. */
  connect(send: (line: AgentLogLine) => boolean): void {
    this.#send = send;
    this.flush();
  }

  /** Sends what waits, as far as it goes. */
  flush(): void {
    while (this.#send !== undefined) {
      const line = this.#waiting[0];
      if (line === undefined || !this.#send(line)) return;
      this.#waiting.shift();
    }
  }

  #pass(line: AgentLogLine): void {
    if (this.#waiting.length === 0 && this.#send?.(line) === true) return;
    this.#waiting.push(line);
    // The newest tell more about what is going on; stdout has them all.
    if (this.#waiting.length > limits.bufferedLogLines) this.#waiting.shift();
  }
}
