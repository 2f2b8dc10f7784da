/**
 * A rule as operators write it. With only the specification's fields it is a substring rule.
 * What the fields of each kind mean, and which belong together: docs/guides/rules.md.
 */

import { JsonObject, Severity } from './common.ts';
import { type Static, Type } from './typebox.ts';

export const RULE_KINDS = [
  'substring',
  'regex',
  'threshold',
  'sequence',
  'absence',
  'distinct',
] as const;

/** How a pattern is read where `kind` does not say it. */
export const PATTERN_KINDS = ['substring', 'regex'] as const;

/** Bounds of rules that count over time: what one key of one rule may take. */
export const windowLimits = {
  /** `count` of threshold and distinct. */
  count: 10_000,
  /** `count` of sequence. */
  sequences: 100,
  /** `within_seconds` and `suppress_seconds`: seven days. */
  seconds: 604_800,
} as const;

/** The second event of a sequence, or the one whose absence is told. */
export const RuleStep = Type.Object(
  {
    pattern: Type.String({ minLength: 1, maxLength: 4096 }),
    pattern_kind: Type.Optional(Type.Enum([...PATTERN_KINDS])),
    where: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  },
  { additionalProperties: false },
);
export type RuleStep = Static<typeof RuleStep>;

/** One moment of a story: a message, an event (also the same one several times), or only time that passes. */
export const ExampleMoment = Type.Union([
  Type.String({ maxLength: 8192 }),
  Type.Object(
    {
      message: Type.Optional(Type.String({ maxLength: 8192 })),
      /** Since the moment before. */
      after_seconds: Type.Optional(Type.Number({ minimum: 0, maximum: windowLimits.seconds })),
      /** As so many events, `after_seconds` before each. */
      times: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000 })),
      host: Type.Optional(Type.String({ maxLength: 255 })),
      source_ip: Type.Optional(Type.String({ maxLength: 64 })),
      program: Type.Optional(Type.String({ maxLength: 255 })),
      fields: Type.Optional(JsonObject),
    },
    { additionalProperties: false },
  ),
]);
export type ExampleMoment = Static<typeof ExampleMoment>;

/**
 * A message that the pattern matches, or not; or a story, at whose end the rule has told something, or nothing.
 */
export const RuleExample = Type.Union([
  Type.String({ maxLength: 8192 }),
  Type.Array(ExampleMoment, { minItems: 1, maxItems: 64 }),
]);
export type RuleExample = Static<typeof RuleExample>;

export const Rule = Type.Object(
  {
    id: Type.String({ minLength: 1, maxLength: 128 }),
    name: Type.String({ minLength: 1, maxLength: 256 }),
    /** Empty only for absence without `followed_by`: any event. */
    pattern: Type.String({ maxLength: 4096 }),
    severity: Severity,
    /** `alert` (a finding), `log` (a line in the agent's log), `webhook:<channel>`, or a name the agent registers. */
    action: Type.String({ minLength: 1, maxLength: 64 }),
    kind: Type.Optional(Type.Enum([...RULE_KINDS])),
    type: Type.Optional(Type.String({ minLength: 1, maxLength: 128 })),
    where: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
    /** How `pattern` is read by the kinds that count over time; absent: as plain text. */
    pattern_kind: Type.Optional(Type.Enum([...PATTERN_KINDS])),
    /** What events are counted by: a field of the event, `fields.<name>`, or a named group of the pattern. */
    group_by: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 128 }), { minItems: 1, maxItems: 8 }),
    ),
    /** threshold: events; distinct: different values; sequence: completed sequences (1). */
    count: Type.Optional(Type.Integer({ minimum: 1, maximum: windowLimits.count })),
    /** distinct: what is different, named as in `group_by`. */
    distinct_by: Type.Optional(Type.String({ minLength: 1, maxLength: 128 })),
    /** sequence: the second event; absence: the event that should follow. */
    followed_by: Type.Optional(RuleStep),
    within_seconds: Type.Optional(
      Type.Number({ exclusiveMinimum: 0, maximum: windowLimits.seconds }),
    ),
    /** After a finding nothing of the same key is counted for so long (0). */
    suppress_seconds: Type.Optional(Type.Number({ minimum: 0, maximum: windowLimits.seconds })),
    tags: Type.Optional(Type.Array(Type.String({ maxLength: 64 }), { maxItems: 32 })),
    references: Type.Optional(Type.Array(Type.String({ maxLength: 512 }), { maxItems: 32 })),
    examples: Type.Optional(
      Type.Object(
        {
          match: Type.Optional(Type.Array(RuleExample, { maxItems: 64 })),
          no_match: Type.Optional(Type.Array(RuleExample, { maxItems: 64 })),
        },
        { additionalProperties: false },
      ),
    ),
  },
  { additionalProperties: false },
);
export type Rule = Static<typeof Rule>;
