/** Findings on their way: checked, bounded, at most so many unacknowledged, counted when stored. */
import type { Finding } from '@opmas/protocol';
import { AgentError } from '../errors.ts';
import { bounded, checkedFinding } from '../finding.ts';
import { limits } from '../limits.ts';
import type { Metrics } from '../metrics.ts';
import type { AgentRuntime } from '../runtime/runtime.ts';
import { Window } from '../window.ts';
import { currentScope } from '../work/scope.ts';

export class FindingPublisher {
  readonly #runtime: AgentRuntime;
  readonly #metrics: Metrics;
  readonly #topic: () => string;
  readonly #window = new Window(limits.findingsInFlight);

  constructor(runtime: AgentRuntime, metrics: Metrics, topic: () => string) {
    this.#runtime = runtime;
    this.#metrics = metrics;
    this.#topic = topic;
  }

  /**
   * Inside an event's processing: resolves when it is on its way. Elsewhere: when it is stored.
   * @param isMade it was made a moment ago by `makeFinding`, which checks and bounds it
   */
  async publish(finding: Finding, { isMade = false } = {}): Promise<void> {
    const checked = isMade ? finding : bounded(checkedFinding(finding));
    const scope = currentScope();
    if (scope !== undefined) {
      scope.findings += 1;
      if (scope.findings > limits.findingsPerEvent) {
        throw new AgentError(
          'OPMAS_RESOURCE_EXHAUSTED',
          `one event may make at most ${limits.findingsPerEvent} findings`,
        );
      }
    }
    const release = await this.#window.enter();
    const stored = (scope?.kept ?? Promise.resolve())
      .then(() => this.#runtime.publishFinding(this.#topic(), checked))
      .then(() => this.#metrics.increment('findings'))
      .finally(release);
    if (scope === undefined) return stored;
    // Awaited by the worker; until then a rejection must not count as unhandled.
    stored.catch(() => {});
    scope.waitFor(stored);
  }
}
