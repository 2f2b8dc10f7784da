/** An agent in a few lines: typed configuration, a handler per topic, no wiring. Builds on BaseAgent. */
import {
  type ConfigLayer,
  type Fault,
  isLogTopic,
  type LogEvent,
  type Rule,
} from '@opmas/protocol';
import type { AgentMatch } from './agent/actions.ts';
import { BaseAgent } from './base-agent.ts';
import type { Clock } from './clock.ts';
import { AgentError } from './errors.ts';
import { defaultsOf, type Fields, type FieldValues, fieldFaults, schemaOf } from './fields.ts';
import type { FindingDraft } from './finding.ts';
import type { Logger } from './logger.ts';
import type { Metrics } from './metrics.ts';
import type { AgentRuntime } from './runtime/runtime.ts';
import { currentScope } from './work/scope.ts';

/** What a handler works with, apart from the event. */
export interface AgentContext<F extends Fields> {
  /** Values of the declared fields, as configured now. */
  readonly config: FieldValues<F>;
  readonly log: Logger;
  readonly metrics: Metrics;
  readonly clock: Clock;
  /** The topic the event came on. */
  readonly topic: string;
  /** The configured rules that match `event`, in their order. */
  match(event: LogEvent): AgentMatch[];
  /**
   * Publishes a finding about the event, or the finding a match stands for. Repeated after a
   * redelivery, it is the same finding.
   */
  finding(finding: FindingDraft | AgentMatch): Promise<void>;
}

export type EventHandler<F extends Fields> = (
  event: LogEvent,
  ctx: AgentContext<F>,
) => void | Promise<void>;

export interface AgentDefinition<F extends Fields = Fields> {
  /** The agent's type, as `AGENT_TYPE` of the package says. */
  type: string;
  description?: string;
  /** Own configuration keys, beside the common ones. */
  config?: F;
  /** Rules that hold when neither the server nor the package's `rules.json` gives any. */
  rules?: readonly Rule[];
  /** A handler per topic. Topics without one, and agents without any, match the configured rules. */
  on?: { readonly [topic: `logs.${string}`]: EventHandler<F> };
  /** Replaces the default health check's word: a reason makes the agent degraded. */
  health?: (ctx: Omit<AgentContext<F>, 'finding' | 'topic'>) => string | undefined;
}

/** What `defineAgent` makes: a class like one written by hand, with its definition beside it. */
export interface DefinedAgent {
  new (
    agentId: string,
    managementUrl: string,
    initialToken?: string,
    runtime?: AgentRuntime,
  ): BaseAgent;
  readonly definition: { type: string; configSchema: object; topics: readonly string[] };
}

/**
 * Defines an agent; export it by default from `agent.ts`.
 * @throws {AgentError} OPMAS_INVALID_CONFIGURATION when a handler's topic is no log topic, or a default
 * does not satisfy its own schema
 * @example
 * export default defineAgent({
 *   type: 'security',
 *   config: { loud: t.bool(false) },
 *   on: {
 *     'logs.auth': async (event, ctx) => {
 *       for (const match of ctx.match(event)) await ctx.finding(match);
 *     },
 *   },
 * });
 */
export function defineAgent<const F extends Fields = Record<never, never>>(
  definition: AgentDefinition<F>,
): DefinedAgent {
  const fields: Fields = definition.config ?? {};
  const handlers = new Map(Object.entries(definition.on ?? {}));
  refuseFaults(fields, [...handlers.keys()]);
  const defaults = {
    ...defaultsOf(fields),
    ...(definition.rules === undefined ? {} : { rules: definition.rules }),
  };

  class Agent extends BaseAgent {
    static readonly definition = {
      type: definition.type,
      configSchema: schemaOf(fields),
      topics: [...handlers.keys()],
    };

    constructor(
      agentId: string,
      managementUrl: string,
      initialToken?: string,
      runtime?: AgentRuntime,
    ) {
      super(agentId, managementUrl, initialToken, runtime);
      if (handlers.size === 0) return;
      // On the instance, so that an agent without handlers keeps the way that matches whole batches.
      this.processEvent = (event) => this.#handle(event);
    }

    override ownDefaults(): ConfigLayer {
      return defaults;
    }

    override validateConfig(
      document: Record<string, unknown> = this.config.value,
    ): readonly Fault[] {
      return fieldFaults(fields, document);
    }

    override async checkHealth() {
      const health = await super.checkHealth();
      const reason = definition.health?.(this.#context(''));
      return reason === undefined ? health : { ...health, status: 'degraded', reason };
    }

    async #handle(event: LogEvent): Promise<void> {
      const topic = currentScope()?.topic ?? '';
      const handler = handlers.get(topic);
      if (handler === undefined) await super.processEvent(event);
      else await handler(event, this.#context(topic));
    }

    #context(topic: string): AgentContext<F> {
      const match = (event: LogEvent) => this.match(event);
      return {
        config: this.#values(),
        log: this.logger,
        metrics: this.metrics,
        clock: this.clock,
        topic,
        match,
        finding: async (finding) => {
          const event = currentScope()?.event;
          if (!('rule' in finding)) {
            const details = event === undefined ? {} : { event, event_id: event.event_id };
            const draft = { ...finding, details: { ...details, ...finding.details } };
            return this.publishFinding(this.createFinding(draft));
          }
          if (event === undefined) {
            throw new AgentError(
              'OPMAS_INVALID_REQUEST',
              'a match becomes a finding only while its event is processed',
            );
          }
          return this.publishFinding(this.findingOf(finding, event));
        },
      };
    }

    /** Typed by the declaration, which `validateConfig` has held the document to. */
    #values(): FieldValues<F> {
      const document = this.config.value;
      const entries = Object.keys(fields).map((key) => [key, document[key]]);
      return Object.fromEntries(entries) as FieldValues<F>;
    }
  }
  return Agent;
}

function refuseFaults(fields: Fields, topics: readonly string[]): void {
  const faults = fieldFaults(fields, defaultsOf(fields));
  for (const topic of topics) {
    if (!isLogTopic(topic)) faults.push({ path: `on.${topic}`, message: 'is not a log topic' });
  }
  if (faults.length === 0) return;
  const text = faults.map((fault) => `${fault.path} ${fault.message}`).join('; ');
  throw new AgentError('OPMAS_INVALID_CONFIGURATION', `defineAgent: ${text}`, { faults });
}
