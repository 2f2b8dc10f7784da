/** How events meet the author's code: one by one with a time limit, or whole batches against the rules. */
import type { LogEvent } from '@opmas/protocol';
import type { BatchPlace, Ruleset } from '@opmas/rules';
import { type Clock, within } from '../clock.ts';
import type { Metrics } from '../metrics.ts';
import type { WindowKeeper } from '../state/window-keeper.ts';
import { Breath } from '../work/breath.ts';
import { type EventScope, inScope } from '../work/scope.ts';
import { tooLong } from '../work/worker.ts';
import type { AgentMatch } from './actions.ts';
import type { Fuses } from './fuses.ts';
import type { RulesInUse } from './rules-in-use.ts';
import { settleLater, settleMatches } from './settling.ts';

/** Runs `work` on the scope's event; counts what the author did not count himself. */
export async function processOne(
  scope: EventScope,
  options: {
    clock: Clock;
    metrics: Metrics;
    timeoutSeconds: number;
    work: (event: LogEvent) => Promise<void>;
  },
): Promise<void> {
  const { clock, metrics, timeoutSeconds, work } = options;
  const started = performance.now();
  await within(
    clock,
    timeoutSeconds * 1000,
    inScope(scope, async () => work(scope.event)),
    () => tooLong(timeoutSeconds),
  );
  settleLater(scope);
  if (!scope.hasTouched('events_processed')) metrics.increment('events_processed');
  if (!scope.hasTouched('processing_time')) {
    metrics.observe('processing_time', (performance.now() - started) / 1000);
  }
}

/**
 * Matches all events of a message in one scan, counts what has to be counted, and does what the rules say with
 * what came of it. The rules are tuned to the traffic beside the messages that follow.
 */
export async function matchTogether(
  scopes: readonly EventScope[],
  options: {
    /** Asked before each slice: a change of rules may come between two. */
    ruleset: () => Ruleset;
    fuses: Fuses;
    windows: WindowKeeper;
    metrics: Metrics;
    usage: RulesInUse;
    act: (match: AgentMatch, event: LogEvent) => Promise<void>;
    /** Tuning failed: nothing is lost but speed. */
    untuned: (error: unknown) => void;
  },
): Promise<void> {
  const { windows, metrics, usage, fuses, act, untuned } = options;
  const started = performance.now();
  const events = scopes.map((scope) => scope.event);
  const breath = new Breath();
  const settled: { scope: EventScope; found: AgentMatch[] }[] = [];
  let ruleset = options.ruleset();
  for (let place: BatchPlace | undefined = { index: 0 }; place !== undefined; ) {
    const { matched, next } = ruleset.matchSlice(events, place);
    fuses.check(ruleset);
    // Counted before anything is waited for: the rules may change meanwhile.
    for (const { index, matches } of matched) {
      const scope = scopes[index];
      if (scope === undefined) continue;
      usage.hit(matches);
      settled.push({ scope, found: settleMatches(scope, matches, windows) });
    }
    place = next;
    if (place === undefined) break;
    await breath.take();
    ruleset = options.ruleset();
  }
  usage.saw(events);
  for (const { scope, found } of settled) {
    if (breath.due) await breath.take();
    await inScope(scope, async () => {
      for (const match of found) await act(match, scope.event);
    });
    settleLater(scope);
  }
  if (ruleset.wantsTuning) void ruleset.retune().catch(untuned);
  if (scopes.length === 0) return;
  metrics.increment('events_processed', scopes.length);
  const seconds = (performance.now() - started) / 1000 / scopes.length;
  metrics.observe('processing_time', seconds, scopes.length);
}
