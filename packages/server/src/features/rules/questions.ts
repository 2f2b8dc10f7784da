/** What the server asks of the thread that tries rules, and what that answers. */
import type { LogEvent, Rule } from '@opmas/protocol';
import type { ExampleFailure, RuleFault, TrialResult } from '@opmas/rules';

export type RulesQuestion =
  /** Do they compile, and do their examples come out? */
  | { ask: 'check'; rules: unknown }
  /** Begins a trial; with `last`, only so many of the newest events that follow are worked. */
  | {
      ask: 'start';
      rules: unknown;
      in_force: readonly Rule[] | undefined;
      explain: number;
      last: number | undefined;
      watch: { rule_id: string; event_id: string } | undefined;
    }
  /** Payloads as the broker keeps them, or events. */
  | { ask: 'messages'; payloads: readonly Uint8Array[] }
  | { ask: 'events'; events: readonly LogEvent[] }
  /** Works waiting events for so long. */
  | { ask: 'work'; ms: number }
  /** With `until`, in milliseconds, nothing more comes before that. */
  | { ask: 'result'; cost_ms: number; until: number | undefined };

export type RulesAnswer =
  | { told: 'checked'; errors: RuleFault[]; warnings: RuleFault[]; failed: ExampleFailure[] }
  /** Events not worked yet. */
  | { told: 'waiting'; events: number }
  | { told: 'result'; result: TrialResult }
  | { told: 'nothing' };
