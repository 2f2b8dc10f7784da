/** What is answered to: why was this found, and would it be found again? */
import { AgentId, Rule, type Static, Timestamp, Type } from '@opmas/protocol';

const nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) =>
  Type.Union([schema, Type.Null()]);

/**
 * `same`: the rule, run again on the recorded event, tells the same. `not_same`: it does not. `event_gone`: the
 * event is no longer kept. `rule_gone`: no configuration has this version of the rule. `not_by_rule`: code of the
 * agent made it. `not_decided`: there is too much to read between the events of the window.
 */
export const VERDICTS = [
  'same',
  'not_same',
  'event_gone',
  'rule_gone',
  'not_by_rule',
  'not_decided',
] as const;

export const Proof = Type.Object({
  finding_id: Type.String(),
  verdict: Type.Enum([...VERDICTS]),
  /** One sentence. */
  explanation: Type.String(),
  made_by: Type.Object({
    agent_id: AgentId,
    agent_name: Type.String(),
    /** As the server knew them when it stored the finding. */
    agent_version: nullable(Type.String()),
    package_digest: nullable(Type.String()),
    config_hash: nullable(Type.String()),
  }),
  rule: nullable(
    Type.Object({
      rule_id: Type.String(),
      version: Type.String(),
      /** Where this version was found. */
      from: nullable(Type.Enum(['in_force', 'package', 'earlier_configuration'])),
      document: nullable(Rule),
    }),
  ),
  event: nullable(
    Type.Object({
      event_id: Type.String(),
      recorded: nullable(
        Type.Object({
          subject: Type.String(),
          sequence: Type.Integer(),
          stored_at: Timestamp,
          /** As the broker keeps it. */
          json: Type.String(),
          sha256: Type.String(),
        }),
      ),
    }),
  ),
});
export type Proof = Static<typeof Proof>;
