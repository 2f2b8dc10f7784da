/** Between the matches of an event and what is done with them: windows. */
import type { Match } from '@opmas/rules';
import type { WindowKeeper } from '../state/window-keeper.ts';
import type { EventScope } from '../work/scope.ts';
import type { AgentMatch } from './actions.ts';

/**
 * Counts the matches of a scope's event. Its findings then wait until that is kept, and so does its
 * acknowledgement.
 * @returns matches of plain rules, and complete windows
 */
export function settleMatches(
  scope: EventScope,
  matches: readonly Match[],
  windows: WindowKeeper,
): AgentMatch[] {
  const { found, firings, stored } = windows.settle(matches, scope.event);
  if (stored !== undefined) {
    scope.kept = stored;
    scope.waitFor(stored);
  }
  for (const firing of firings) scope.onceStored(() => windows.told(firing));
  return found;
}

/** To be called when the event's work is done: what has been told for good is not told again. */
export function settleLater(scope: EventScope): void {
  const stored = scope.takeOnceStored();
  if (stored.length === 0) return;
  void Promise.allSettled(scope.pending).then((results) => {
    if (results.every(({ status }) => status === 'fulfilled')) for (const call of stored) call();
  });
}
