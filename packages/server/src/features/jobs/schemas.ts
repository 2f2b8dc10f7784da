/** What may be asked of jobs. */
import {
  AgentId,
  JOB_ACTIONS,
  JOB_KINDS,
  JOB_OUTCOMES,
  JOB_STATES,
  JsonObject,
  LOG_LEVELS,
  ON_FAILURE,
  type Static,
  selectorLimits,
  Type,
} from '@opmas/protocol';
import { pageQuery } from '../../kernel/paging.ts';
import { jobLimits } from './limits.ts';
import { WAVE_SIZE } from './waves.ts';

const closed = { additionalProperties: false } as const;
const Tags = Type.Array(Type.String({ minLength: 1, maxLength: 64 }), {
  maxItems: 32,
  uniqueItems: true,
});

/** Which fields go with which kind is said by `wantedOf`: a union would tell nobody what is wrong. */
export const JobBody = Type.Object(
  {
    kind: Type.Enum([...JOB_KINDS]),
    reason: Type.Optional(Type.String({ maxLength: jobLimits.purposeChars })),
    scope: Type.Optional(Type.String({ maxLength: 80 })),
    document: Type.Optional(JsonObject),
    /** Instead of scope and document: a stored draft of the fleet or of a group. */
    draft_id: Type.Optional(Type.String({ format: 'uuid' })),
    /** The draft’s version that was looked at. */
    draft_version: Type.Optional(Type.Integer({ minimum: 1, maximum: 999_999_999 })),
    version: Type.Optional(Type.Integer({ minimum: 0, maximum: 999_999_999 })),
    action: Type.Optional(Type.Enum([...JOB_ACTIONS])),
    arguments: Type.Optional(
      Type.Object(
        {
          level: Type.Optional(Type.Enum([...LOG_LEVELS])),
          expires_in: Type.Optional(Type.Integer({ minimum: 1, maximum: 30 * 86_400 })),
          add: Type.Optional(Tags),
          remove: Type.Optional(Tags),
        },
        closed,
      ),
    ),
    agent_ids: Type.Optional(
      Type.Array(AgentId, { minItems: 1, maxItems: jobLimits.agents, uniqueItems: true }),
    ),
    selector: Type.Optional(Type.String({ minLength: 1, maxLength: selectorLimits.characters })),
    waves: Type.Optional(
      Type.Array(Type.String({ pattern: WAVE_SIZE }), { minItems: 1, maxItems: jobLimits.waves }),
    ),
    gates: Type.Optional(
      Type.Object(
        {
          max_failures: Type.Optional(Type.Integer({ minimum: 0, maximum: jobLimits.agents })),
          max_error_rate: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
          max_findings_change: Type.Optional(Type.Number({ minimum: 0, maximum: 1_000_000 })),
          settle_seconds: Type.Optional(
            Type.Integer({ minimum: 0, maximum: jobLimits.settleSeconds.max }),
          ),
        },
        closed,
      ),
    ),
    on_failure: Type.Optional(Type.Enum([...ON_FAILURE])),
    deadline_seconds: Type.Optional(
      Type.Integer({
        minimum: jobLimits.deadlineSeconds.min,
        maximum: jobLimits.deadlineSeconds.max,
      }),
    ),
    pause_between: Type.Optional(Type.Boolean()),
  },
  closed,
);
export type JobBody = Static<typeof JobBody>;

export const JobParams = Type.Object({ job_id: Type.String({ format: 'uuid' }) });

export const JobsQuery = Type.Object({
  ...pageQuery,
  state: Type.Optional(Type.Enum([...JOB_STATES])),
  kind: Type.Optional(Type.Enum([...JOB_KINDS])),
});

export const JobAgentsQuery = Type.Object({
  ...pageQuery,
  outcome: Type.Optional(Type.Enum([...JOB_OUTCOMES])),
});

export const CancelQuery = Type.Object({ rollback: Type.Optional(Type.Boolean()) });
