/** Runs the examples that rules carry on the engine that will run the rules. */
import type { LogEvent, Rule, RuleExample } from '@opmas/protocol';
import { compileRules } from '../compile.ts';
import { quote } from '../fault.ts';
import { limits } from '../limits.ts';
import type { Ruleset } from '../ruleset.ts';
import { Windows } from '../stateful/windows.ts';
import { countMoments, momentsOf, textOf } from './moments.ts';

export interface ExampleFailure {
  rule_id: string;
  /** `compile`: the rule set itself is faulty, and no example was run. */
  kind: 'match' | 'no_match' | 'compile';
  /** Place of the rule in the list; -1 when the list itself is meant. */
  rule_index: number;
  /** Place in `examples.match` or `examples.no_match`; -1 for `compile`. */
  index: number;
  /** The field, relative to the rule: `examples.match.0`. */
  path: string;
  /** The message, or the story as JSON. */
  example: string;
  message: string;
}

/**
 * Matches every rule's `examples`, with all `rules` compiled together as in production. An example that is
 * one message asks whether the rule's pattern matches it; a story, whether the rule has told anything at its
 * end. The rule's `where` is taken as fulfilled where the story does not say otherwise.
 * @returns what did not come out as the example says; empty when all did. Where the examples together play more than
 * `limits.exampleEvents` events, the first that is too much is among them, and none behind it is tried. Never throws.
 */
export function checkExamples(rules: readonly Rule[]): ExampleFailure[] {
  const compiled = compileRules(rules);
  if (!compiled.ok) {
    return compiled.errors.map((fault) => ({
      rule_id: fault.rule_id ?? '',
      kind: 'compile',
      rule_index: fault.index,
      index: -1,
      path: fault.path,
      example: '',
      message: [fault.path, fault.message].filter((part) => part !== '').join(' '),
    }));
  }
  return failuresOf(compiled.ruleset);
}

/** As `checkExamples`, of a compiled set. */
export function failuresOf(ruleset: Ruleset): ExampleFailure[] {
  const failures: ExampleFailure[] = [];
  let played = 0;
  for (const { rule, place, kind, index, example } of examplesOf(ruleset)) {
    const text = textOf(example);
    const fail = (message: string) =>
      failures.push({
        rule_id: rule.id,
        kind,
        rule_index: place,
        index,
        path: `examples.${kind}.${index}`,
        example: text,
        message,
      });
    played += countMoments(example);
    if (played > limits.exampleEvents) {
      fail(
        `is not tried, nor any after it: all examples together play more than ${limits.exampleEvents} events; use smaller "times"`,
      );
      break;
    }
    const told = tells(ruleset, rule, example);
    if (kind === 'match' && !told) fail(`should match ${quote(text)} and does not`);
    if (kind === 'no_match' && told) fail(`should not match ${quote(text)} and does`);
  }
  return failures;
}

function* examplesOf({ rules }: Ruleset) {
  for (const [place, rule] of rules.entries()) {
    for (const kind of ['match', 'no_match'] as const) {
      for (const [index, example] of (rule.examples?.[kind] ?? []).entries()) {
        yield { rule, place, kind, index, example };
      }
    }
  }
}

/** Does the pattern match the message; or has the rule told something by the end of the story? */
function tells(ruleset: Ruleset, rule: Rule, example: RuleExample): boolean {
  const moments = momentsOf(rule, example);
  if (typeof example === 'string') {
    return moments.some(({ event }) => event !== undefined && matches(ruleset, rule, event));
  }
  const windows = new Windows({ kept: false });
  windows.adopt({ windows: ruleset.windows.filter((each) => each.rule === rule) });
  const ofRule = (told: { rule: Rule }) => told.rule === rule;
  return moments.some(({ at, event }) => {
    const due = windows.due(at).some(ofRule);
    const told =
      event !== undefined && windows.settleMatches(ruleset.match(event), event, at).some(ofRule);
    return due || told;
  });
}

function matches(ruleset: Ruleset, rule: Rule, event: LogEvent): boolean {
  return ruleset.match(event).some((match) => match.rule === rule);
}

/** An event with `message` that fulfils the rule's `where`. */
export function exampleEvent(rule: Rule, message: string): LogEvent {
  const [moment] = momentsOf(rule, message);
  if (moment?.event === undefined) throw new Error('an example of one message has one event');
  return moment.event;
}
