/** How events meet the author's code: one by one with a time limit, or whole batches against the rules. */
import type { Finding, LogEvent } from '@opmas/protocol';
import type { Match, Ruleset } from '@opmas/rules';
import { type Clock, within } from '../clock.ts';
import type { Metrics } from '../metrics.ts';
import { type EventScope, inScope } from '../work/scope.ts';
import { tooLong } from '../work/worker.ts';

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
  if (!scope.hasTouched('events_processed')) metrics.increment('events_processed');
  if (!scope.hasTouched('processing_time')) {
    metrics.observe('processing_time', (performance.now() - started) / 1000);
  }
}

/** Matches all events of a message at one go and publishes what matched. */
export async function matchTogether(
  scopes: readonly EventScope[],
  options: {
    ruleset: Ruleset;
    metrics: Metrics;
    report: (match: Match, event: LogEvent) => Finding;
    publish: (finding: Finding) => Promise<void>;
  },
): Promise<void> {
  const { ruleset, metrics, report, publish } = options;
  const started = performance.now();
  for (const { index, matches } of ruleset.matchBatch(scopes.map((scope) => scope.event))) {
    const scope = scopes[index];
    if (scope === undefined) continue;
    await inScope(scope, async () => {
      for (const match of matches) await publish(report(match, scope.event));
    });
  }
  if (scopes.length === 0) return;
  metrics.increment('events_processed', scopes.length);
  const seconds = (performance.now() - started) / 1000 / scopes.length;
  metrics.observe('processing_time', seconds, scopes.length);
}
