/** Matching a whole message of events. */
import type { LogEvent } from '@opmas/protocol';
import { compileRules } from '@opmas/rules';
import { waitFor } from '@opmas/testkit';
import { expect, it } from 'vitest';
import { Metrics } from '../metrics.ts';
import { MemoryWindowLog } from '../state/memory-window-log.ts';
import { WindowKeeper } from '../state/window-keeper.ts';
import { fakeClock } from '../testing/fake-clock.ts';
import { EventScope } from '../work/scope.ts';
import { Fuses } from './fuses.ts';
import { matchTogether } from './processing.ts';
import { RulesInUse } from './rules-in-use.ts';

it('tunes the rules to the traffic, and finds the same before and after', async () => {
  const compiled = compileRules([
    { id: 'r', name: 'n', pattern: 'refused', severity: 'info', action: 'alert' },
  ]);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.errors));
  const { ruleset } = compiled;
  const scopes = Array.from({ length: 1_000 }, (_, n) => {
    const event: LogEvent = {
      event_id: `e${n}`,
      timestamp: '2025-05-27T12:00:00.000Z',
      type: 'auth',
      message: n === 500 ? 'login refused' : 'login accepted',
    };
    return new EventScope(event, 'logs.auth');
  });
  const found: string[] = [];
  const windows = new WindowKeeper({
    clock: fakeClock(),
    log: new MemoryWindowLog(),
    ruleset: () => ruleset,
    missed: async () => undefined,
    giveUp: async () => {},
    countedUpTo: async () => 0,
    waiting: () => undefined,
    trouble: (message) => {
      throw new Error(message);
    },
    stats: () => undefined,
  });
  const deliver = () =>
    matchTogether(scopes, {
      ruleset: () => ruleset,
      fuses: new Fuses(fakeClock(), () => undefined),
      metrics: new Metrics(),
      usage: new RulesInUse(fakeClock(), () => undefined),
      windows,
      act: async (match, event) => {
        found.push(`${match.rule.id} ${event.event_id}`);
      },
      untuned: (error) => {
        throw error;
      },
    });
  for (let n = 0; n < 70; n++) await deliver();
  await waitFor(() => ruleset.stats.retuned === 1, { timeoutMs: 10_000, what: 'the tuning' });
  await deliver();
  expect(found).toEqual(Array.from({ length: 71 }, () => 'r e500'));
});
