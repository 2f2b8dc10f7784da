/** A rule as operators write it. With only the specification's fields it is a substring rule. */

import { Severity } from './common.ts';
import { type Static, Type } from './typebox.ts';

export const RULE_KINDS = [
  'substring',
  'regex',
  'threshold',
  'sequence',
  'absence',
  'distinct',
] as const;

export const Rule = Type.Object(
  {
    id: Type.String({ minLength: 1, maxLength: 128 }),
    name: Type.String({ minLength: 1, maxLength: 256 }),
    pattern: Type.String({ minLength: 1, maxLength: 4096 }),
    severity: Severity,
    action: Type.String({ minLength: 1, maxLength: 64 }),
    kind: Type.Optional(Type.Enum([...RULE_KINDS])),
    type: Type.Optional(Type.String({ minLength: 1, maxLength: 128 })),
    where: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
    group_by: Type.Optional(Type.Array(Type.String({ maxLength: 128 }), { maxItems: 8 })),
    count: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000 })),
    within_seconds: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 604_800 })),
    suppress_seconds: Type.Optional(Type.Number({ minimum: 0, maximum: 604_800 })),
    tags: Type.Optional(Type.Array(Type.String({ maxLength: 64 }), { maxItems: 32 })),
    references: Type.Optional(Type.Array(Type.String({ maxLength: 512 }), { maxItems: 32 })),
    examples: Type.Optional(
      Type.Object(
        {
          match: Type.Optional(Type.Array(Type.String(), { maxItems: 64 })),
          no_match: Type.Optional(Type.Array(Type.String(), { maxItems: 64 })),
        },
        { additionalProperties: false },
      ),
    ),
  },
  { additionalProperties: false },
);
export type Rule = Static<typeof Rule>;
