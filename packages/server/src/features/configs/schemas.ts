/** Shapes that the operations of configurations share. */
import { JsonObject, type Static, Timestamp, Type } from '@opmas/protocol';
import { configLimits } from './limits.ts';
import { SCOPES } from './scopes.ts';

export const Reason = Type.Optional(Type.String({ maxLength: 1_024 }));

const nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) =>
  Type.Union([schema, Type.Null()]);

export const Version = Type.Integer({ minimum: 0, maximum: 999_999_999 });

export const ENVIRONMENTS = ['development', 'testing', 'staging', 'production'] as const;

export const RollbackBody = Type.Object(
  { version: Type.Integer({ minimum: 1, maximum: 999_999_999 }) },
  { additionalProperties: false },
);

export const DiffQuery = Type.Object({
  from: Type.Optional(Version),
  to: Type.Optional(Version),
});

export const LayerFields = {
  scope: Type.Enum([...SCOPES]),
  name: nullable(Type.String()),
  version: Type.Integer(),
  hash: nullable(Type.String()),
  config: JsonObject,
  author: nullable(Type.String()),
  reason: nullable(Type.String()),
  created_at: nullable(Timestamp),
  expires_at: nullable(Timestamp),
};
export const Layer = Type.Object(LayerFields);
export const ChangedLayer = Type.Object({
  ...LayerFields,
  reached: Type.Integer(),
  changed: Type.Integer(),
});

export const ConfigVersion = Type.Object({
  version: Type.Integer(),
  hash: Type.String(),
  config: JsonObject,
  reason: nullable(Type.String()),
  author: Type.String(),
  created_at: Timestamp,
  expires_at: nullable(Timestamp),
});

const ConfigDifference = Type.Object({
  path: Type.String(),
  before: Type.Optional(Type.Unknown()),
  after: Type.Optional(Type.Unknown()),
});

export const DiffAnswer = Type.Object({
  from: Type.Integer(),
  to: Type.Integer(),
  changes: Type.Array(ConfigDifference),
  more: Type.Integer(),
});

/** What a write would do. */
export const PreviewFields = {
  valid: Type.Boolean(),
  errors: Type.Array(Type.Object({ path: Type.String(), message: Type.String() })),
  diff: Type.Object({ changes: Type.Array(ConfigDifference), more: Type.Integer() }),
  affected: Type.Array(
    Type.Object({
      agent_id: Type.String(),
      name: Type.String(),
      changes: Type.Array(ConfigDifference),
      more: Type.Integer(),
      restart: Type.Boolean(),
      reprovision: Type.Boolean(),
    }),
    { maxItems: configLimits.affectedAgents },
  ),
  counts: Type.Object({
    reached: Type.Integer(),
    changed: Type.Integer(),
    restart: Type.Integer(),
    reprovision: Type.Integer(),
    invalid: Type.Integer(),
  }),
};
export const ValidationAnswer = Type.Object({ ...PreviewFields, version: Type.Integer() });
export type ValidationAnswer = Static<typeof ValidationAnswer>;
