/** Joins an agent and its windows: what they need of it, and what they tell it. */
import { BusError } from '@opmas/bus';
import type { LogEvent } from '@opmas/protocol';
import type { Firing, Ruleset, WithWindows } from '@opmas/rules';
import { within } from '../clock.ts';
import { AgentError, messageOf } from '../errors.ts';
import { limits } from '../limits.ts';
import type { Logger } from '../logger.ts';
import type { Metrics } from '../metrics.ts';
import type { AgentRuntime } from '../runtime/runtime.ts';
import { Counted } from '../state/counted.ts';
import { WindowKeeper } from '../state/window-keeper.ts';
import { deadLetterOf } from '../work/dead-letter.ts';
import type { EventScope } from '../work/scope.ts';
import { tooLong } from '../work/worker.ts';
import { type AgentMatch, publishes } from './actions.ts';
import type { Configuration } from './configuration.ts';

export interface CountingPorts {
  runtime: AgentRuntime;
  configuration: Configuration;
  metrics: Metrics;
  logger(): Logger;
  topics(): readonly string[];
  /** Does with a match what its rule says; resolves when that is done for good. */
  act(match: AgentMatch, event: LogEvent): Promise<void>;
  report(report: { error: string; [field: string]: unknown }): Promise<void>;
}

export class Counting {
  readonly #ports: CountingPorts;
  readonly #counted = new Counted();
  readonly windows: WindowKeeper;
  /** The windows of the rule set in force without those of rules that are out of service. */
  #inService: (WithWindows & { of: Ruleset; out: number }) | undefined;

  constructor(ports: CountingPorts) {
    this.#ports = ports;
    const { runtime, metrics } = ports;
    const { clock } = runtime;
    this.windows = new WindowKeeper({
      clock,
      log: runtime.windowLog,
      ruleset: () => this.#windowsInService(),
      missed: (firing) => this.#missed(firing),
      giveUp: (firing, error, tries) => this.#giveUp(firing, error, tries),
      countedUpTo: () =>
        this.#counted.upTo(
          ports.topics(),
          (topic) => runtime.left(topic),
          () => clock.now(),
        ),
      waiting: () =>
        ports
          .logger()
          .warning(
            'another instance of this agent counts for its rules: this one stands by until it has ended',
          ),
      trouble: (message, context) => this.#tell(message, context),
      stats: ({ keys, entries, evicted }) => {
        metrics.set('window_keys', keys);
        metrics.set('window_entries', entries);
        metrics.set('window_evictions', evicted);
      },
    });
  }

  /** The scope's event is processed, and all before it in its topic. */
  processed(scope: EventScope | undefined): void {
    const { configuration, runtime } = this.#ports;
    if (scope === undefined || configuration.ruleset.windows.length === 0) return;
    this.#counted.note(scope.topic, scope.event, runtime.clock.now());
  }

  /** The same object as long as nothing changes: windows are counted anew for each other one. */
  #windowsInService(): WithWindows {
    const { ruleset } = this.#ports.configuration;
    const { disabled } = ruleset;
    if (disabled.length === 0) return ruleset;
    const known = this.#inService;
    if (known?.of === ruleset && known.out === disabled.length) return known;
    const ids = new Set(disabled.map(({ rule_id }) => rule_id));
    const windows = ruleset.windows.filter(({ rule }) => !ids.has(rule.id));
    this.#inService = { windows, of: ruleset, out: disabled.length };
    return this.#inService;
  }

  /** What no event completes: the last event before it stands in for it. */
  async #missed(firing: Firing): Promise<void> {
    const { rule, window, event_id } = firing;
    const type = rule.type ?? 'generic_alert';
    const { runtime, configuration, act } = this.#ports;
    const { timeout } = configuration.config.value.processing;
    // What hangs must not keep the absences behind it from being told.
    const ms = timeout * 1_000 + (publishes(rule.action) ? limits.publishRetryMs : 0);
    const done = act(firing, { event_id, timestamp: window.last_at, type, message: '' });
    await within(runtime.clock, ms, done, () => tooLong(ms / 1_000));
  }

  /** A broker that is away keeps nobody's word: then it is tried until it is back. */
  async #giveUp({ id, rule, window, event_id }: Firing, error: unknown, tries: number) {
    if (isBrokers(error)) throw error;
    const { runtime, metrics } = this.#ports;
    const dead = {
      id: `absence.${id}`,
      topic: this.#onlyTopic(),
      event: { rule_id: rule.id, action: rule.action, event_id, window },
      error: messageOf(error),
      deliveries: tries,
    };
    await runtime.publishDeadLetter(dead.id, deadLetterOf(dead, runtime));
    metrics.increment('events_dead_lettered');
  }

  /** What nobody sent came on no topic: it is named where it could have come on one alone. */
  #onlyTopic(): string {
    const [topic = '', ...others] = this.#ports.topics();
    return others.length > 0 ? '' : topic;
  }

  #tell(error: string, context: object): void {
    this.#ports
      .report({ ...context, error })
      .catch((second: unknown) =>
        this.#ports.logger().critical('reportError itself failed', { error: messageOf(second) }),
      );
  }
}

function isBrokers(error: unknown): boolean {
  if (error instanceof AgentError) return error.code === 'OPMAS_BROKER_UNAVAILABLE';
  return error instanceof BusError;
}
