/** Rules tried before they are published. */
import { type LogEvent, type Rule, type Static, subjects } from '@opmas/protocol';
import type { TrialResult } from '@opmas/rules';
import type { Clock } from '../../kernel/clock.ts';
import { OpmasError } from '../../kernel/errors.ts';
import type { Reach } from '../../kernel/grants.ts';
import {
  decodeCursor,
  type Page,
  type PageRequest,
  pageLimit,
  toPage,
} from '../../kernel/paging.ts';
import type { Executor, RecordedEvents } from '../../platform/ports.ts';
import { type AgentNamed, RulesPage } from './in-service.ts';
import { rulesLimits } from './limits.ts';
import type { RuleInService, TestAnswer, TestBody } from './schemas.ts';
import type { TrialInput, Trials } from './trials.ts';
import { disabledOn, rulesHitSince, usageOf } from './usage.store.ts';

/** What an agent runs now. */
export interface InForce {
  rules: readonly Rule[];
  topics: readonly string[];
}

const NOTHING: TrialResult = {
  events: 0,
  matched: 0,
  findings: 0,
  ns_per_event: null,
  rules: [],
  more_rules: 0,
  told: [],
  gained: null,
  lost: null,
  watched: null,
  explained: [],
};

export function createRulesService(options: {
  /** Those within reach, in the order of their names, some at a time. */
  agentsInReach(
    db: Executor,
    which: { reach: Reach; agentId: string | undefined },
  ): AsyncIterable<AgentNamed[]>;
  /** By agent. */
  rulesOfAgents(
    db: Executor,
    agentIds: readonly string[],
  ): Promise<ReadonlyMap<string, readonly Rule[]>>;
  trials: Trials;
  recorded: RecordedEvents;
  /** @throws {OpmasError} OPMAS_AGENT_NOT_FOUND */
  inForce(db: Executor, agentId: string): Promise<InForce>;
  clock: Clock;
}) {
  const { trials, recorded, clock } = options;

  function sourceOf(body: Static<typeof TestBody>, agent: InForce | undefined) {
    const { events, domain, last, from, to } = body;
    if (events !== undefined) {
      const other = (['domain', 'last', 'from', 'to'] as const).find(
        (key) => body[key] !== undefined,
      );
      if (other !== undefined)
        throw bad(other, 'belongs to recorded events: leave it or events out');
      return { source: 'given' as const, input: { events: events.map(eventOf) }, until: undefined };
    }
    const topics = domain === undefined ? agent?.topics : [subjects.logs(domain)];
    if (topics === undefined) {
      if (last ?? from ?? to) throw bad('domain', 'is missing: name a domain or an agent');
      return { source: 'none' as const, input: { events: [] }, until: undefined };
    }
    if (topics.length > rulesLimits.topics) {
      throw bad('domain', `the agent reads ${topics.length} topics: name one domain`);
    }
    if (from === undefined) {
      if (to !== undefined) throw bad('to', 'needs from');
      const count = last ?? rulesLimits.lastEventsDefault;
      const messages = recorded.newest(topics, { events: count, bytes: rulesLimits.recordedBytes });
      return { source: 'recorded' as const, input: { messages, last: count }, until: clock.now() };
    }
    if (last !== undefined) throw bad('last', 'is for the newest events: leave it or from out');
    const range = { from: Date.parse(from), to: to === undefined ? clock.now() : Date.parse(to) };
    if (range.from >= range.to) throw bad('to', 'must be later than from');
    return {
      source: 'recorded' as const,
      input: { messages: recorded.between(topics, range), last: undefined },
      until: range.to,
    };
  }

  function eventOf(
    event: NonNullable<Static<typeof TestBody>['events']>[number],
    index: number,
  ): LogEvent {
    return {
      ...event,
      event_id: event.event_id ?? `event-${index}`,
      timestamp: event.timestamp ?? new Date(clock.now()).toISOString(),
      type: event.type ?? 'system',
    };
  }

  return {
    /** Rules in force with what they do, by id. */
    async list(
      db: Executor,
      query: PageRequest & { agent_id?: string; silent?: number },
      reach: Reach,
    ): Promise<Page<Static<typeof RuleInService>>> {
      const { agent_id: agentId, silent } = query;
      const which = { reach, agentId };
      const after = query.cursor === undefined ? '' : (decodeCursor(query.cursor, 1)[0] ?? '');
      const limit = pageLimit(query);
      const heard = new Set<string>();
      if (silent !== undefined) {
        const since = new Date(clock.now() - silent * 1_000);
        for await (const agents of options.agentsInReach(db, which)) {
          for (const id of await rulesHitSince(db, agents.map(idOf), since)) heard.add(id);
        }
      }
      const page = new RulesPage(after, limit + 1, heard);
      for await (const agents of options.agentsInReach(db, which)) {
        const ids = agents.map(idOf);
        page.add(agents, {
          rulesOf: await options.rulesOfAgents(db, ids),
          usage: await usageOf(db, ids, page.range),
          disabled: await disabledOn(db, ids, page.range),
        });
      }
      return toPage(
        page.rows,
        limit,
        (rule) => rule,
        ({ rule_id }) => [rule_id],
      );
    },

    /**
     * Compiles rules, runs their examples, and works them on events as an agent would. Nothing is stored,
     * and no consumer is disturbed.
     * @throws {OpmasError} OPMAS_INVALID_REQUEST, OPMAS_AGENT_NOT_FOUND, OPMAS_UNAVAILABLE, OPMAS_TIMEOUT
     */
    async test(db: Executor, body: Static<typeof TestBody>): Promise<Static<typeof TestAnswer>> {
      const { agent_id, rules } = body;
      const agent = agent_id === undefined ? undefined : await options.inForce(db, agent_id);
      const { source, input, until } = sourceOf(body, agent);
      const given: TrialInput = {
        rules,
        inForce: agent?.rules,
        source: input,
        ...(until === undefined ? {} : { until }),
      };
      const { errors, warnings, failed, result, stopped } = await trials.run(given);
      const { gained, lost, explained, watched: _watched, ...told } = result ?? NOTHING;
      const rate = (findings: number) =>
        told.events === 0 ? 0 : Math.round((findings * 1e6) / told.events) / 1e3;
      return {
        valid: errors.length === 0 && failed.length === 0,
        errors,
        warnings,
        failed_examples: failed,
        source,
        stopped,
        ...told,
        rate: rate(told.findings),
        rules: told.rules.map((rule) => ({ ...rule, rate: rate(rule.findings) })),
        difference:
          agent_id === undefined || gained === null || lost === null
            ? null
            : { agent_id, gained, lost },
        steps: explained,
      };
    },
  };
}

export type RulesService = ReturnType<typeof createRulesService>;

function idOf({ agent_id }: AgentNamed): string {
  return agent_id;
}

function bad(path: string, message: string): OpmasError {
  return new OpmasError('OPMAS_INVALID_REQUEST', `${path}: ${message}`, {
    errors: [{ path, message }],
  });
}
