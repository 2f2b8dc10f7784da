/** Runs the examples that rules carry on the engine that will run the rules. */
import type { LogEvent, Rule } from '@opmas/protocol';
import { compileRules } from './compile.ts';
import { quote } from './fault.ts';
import { compileWhere } from './where.ts';

export interface ExampleFailure {
  rule_id: string;
  /** `compile`: the rule set itself is faulty, and no example was run. */
  kind: 'match' | 'no_match' | 'compile';
  /** Place in `examples.match` or `examples.no_match`; -1 for `compile`. */
  index: number;
  example: string;
  message: string;
}

/**
 * Matches every rule's `examples`, with all `rules` compiled together as in production. An example is the
 * message of an event; the rule's `where` is taken as fulfilled.
 * @returns what did not come out as the example says; empty when all did. Never throws.
 */
export function checkExamples(rules: readonly Rule[]): ExampleFailure[] {
  const compiled = compileRules(rules);
  if (!compiled.ok) {
    return compiled.errors.map((fault) => ({
      rule_id: fault.rule_id ?? '',
      kind: 'compile',
      index: -1,
      example: '',
      message: [fault.path, fault.message].filter((part) => part !== '').join(' '),
    }));
  }
  const failures: ExampleFailure[] = [];
  for (const rule of compiled.ruleset.rules) {
    const run = (kind: 'match' | 'no_match') => {
      for (const [index, example] of (rule.examples?.[kind] ?? []).entries()) {
        const matches = compiled.ruleset.match(exampleEvent(rule, example));
        if (matches.some((match) => match.rule.id === rule.id) === (kind === 'match')) continue;
        const message =
          kind === 'match'
            ? `should match ${quote(example)} and does not`
            : `should not match ${quote(example)} and does`;
        failures.push({ rule_id: rule.id, kind, index, example, message });
      }
    };
    run('match');
    run('no_match');
  }
  return failures;
}

/** An event with `message` that fulfils the rule's `where`. */
export function exampleEvent(rule: Rule, message: string): LogEvent {
  const event: LogEvent = {
    event_id: 'example',
    timestamp: '2025-01-01T00:00:00.000Z',
    type: 'system',
    message,
  };
  for (const condition of compileWhere(rule.where ?? {}).conditions) condition.satisfy(event);
  return event;
}
