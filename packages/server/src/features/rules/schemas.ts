/** What the API of rules takes and answers. */
import { AgentId, IncomingEvent, Timestamp, Type, limits as wire } from '@opmas/protocol';
import { pageQuery } from '../../kernel/paging.ts';
import { rulesLimits } from './limits.ts';

const nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) =>
  Type.Union([schema, Type.Null()]);

const Count = Type.Integer({ minimum: 0 });

const GivenEvent = Type.Object(IncomingEvent.properties, { additionalProperties: false });

export const TestBody = Type.Object(
  {
    rules: Type.Array(Type.Unknown(), { maxItems: wire.rules }),
    /** Compare with what this agent runs now; without `domain`, on its own topics. */
    agent_id: Type.Optional(AgentId),
    /** On these; otherwise on recorded events. */
    events: Type.Optional(Type.Array(GivenEvent, { maxItems: rulesLimits.givenEvents })),
    domain: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_-]{1,64}$' })),
    /** The newest so many; with `from`, all of that time instead. */
    last: Type.Optional(Type.Integer({ minimum: 1, maximum: rulesLimits.lastEvents })),
    from: Type.Optional(Timestamp),
    to: Type.Optional(Timestamp),
  },
  { additionalProperties: false },
);

const RuleFaults = Type.Array(Type.Object({ path: Type.String(), message: Type.String() }));

const Told = Type.Object({
  rule_id: Type.String(),
  event_id: Type.String(),
  at: Type.String(),
  message: Type.String(),
});

const Difference = Type.Object({ count: Count, examples: Type.Array(Told) });

export const TestAnswer = Type.Object({
  /** They compile and their examples come out: they may be published. */
  valid: Type.Boolean(),
  errors: RuleFaults,
  warnings: RuleFaults,
  /** Examples that did not come out. */
  failed_examples: RuleFaults,
  source: Type.Enum(['given', 'recorded', 'none']),
  /** Why events were left out; null: none were. */
  stopped: nullable(Type.Enum(['time', 'events', 'bytes'])),
  events: Count,
  matched: Count,
  findings: Count,
  /** Findings per thousand events. */
  rate: Type.Number({ minimum: 0 }),
  ns_per_event: nullable(Type.Number()),
  rules: Type.Array(
    Type.Object({
      rule_id: Type.String(),
      name: Type.String(),
      matches: Count,
      findings: Count,
      rate: Type.Number({ minimum: 0 }),
      cost_ns: nullable(Type.Number()),
    }),
  ),
  more_rules: Count,
  told: Type.Array(Told),
  /** Against what the agent runs now; null when none was named. */
  difference: nullable(Type.Object({ agent_id: AgentId, gained: Difference, lost: Difference })),
  /** Of given events. */
  steps: Type.Array(
    Type.Object({
      event_id: Type.String(),
      message: Type.String(),
      rules: Type.Array(
        Type.Object({
          rule_id: Type.String(),
          told: Type.Boolean(),
          steps: Type.Array(
            Type.Object({ step: Type.String(), passed: Type.Boolean(), text: Type.String() }),
          ),
        }),
      ),
    }),
  ),
});

export const RulesQuery = Type.Object({
  ...pageQuery,
  agent_id: Type.Optional(AgentId),
  /** Only rules that have not hit anywhere for so many seconds, or never. */
  silent: Type.Optional(Type.Integer({ minimum: 0, maximum: 31_536_000 })),
});

export const RuleInService = Type.Object({
  rule_id: Type.String(),
  name: Type.String(),
  severity: Type.String(),
  kind: Type.String(),
  /** Agents that run it, those that took it out of service first, then those that hit most; at most 50 are named. */
  agents: Type.Array(
    Type.Object({
      agent_id: AgentId,
      agent_name: Type.String(),
      hits: Count,
      last_hit: nullable(Timestamp),
      cost_ns: nullable(Type.Number()),
      slow: Type.Boolean(),
      /** The agent took this version of the rule out of service. */
      disabled: nullable(Type.Object({ reason: Type.String(), since: Timestamp })),
    }),
  ),
  agents_count: Count,
  hits: Count,
  last_hit: nullable(Timestamp),
  /** Of the agent that it costs most. */
  cost_ns: nullable(Type.Number()),
  /** Over its time budget somewhere. */
  slow: Type.Boolean(),
  /** Out of service somewhere. */
  disabled: Type.Boolean(),
});
