/**
 * What each kind does with an event. Events count by their own time, in a window that ends with the newest of
 * the key and leaves out what is `withinMs` or more before it. A firing closes the window: what happened up to
 * its newest event, and through the suppression after it, is not counted again, however often it comes.
 */

import type { HeldEvents } from './held.ts';
import type { KeyState, Waiting } from './key-state.ts';
import { windowBounds } from './limits.ts';
import type { WindowRule } from './window-rule.ts';

/** An event on its way into a window. */
export interface Happening {
  id: string;
  /** Its time, held to its arrival. */
  at: number;
  arrived: number;
  /** distinct: the value. */
  value: string;
  /** The second step of the rule matched. */
  second: boolean;
}

/** An event, by its time and id. */
export interface Moment {
  at: number;
  id: string;
}

/** What completed a window. */
export interface Completed {
  /** Of the event the finding is about. */
  eventId: string;
  count: number;
  first: Moment;
  last: Moment;
  values?: string[];
}

/** `ignored`: it came before, too late, or in the suppression; nothing has changed. */
export type Outcome = Completed | 'counted' | 'ignored';

export function happened(rule: WindowRule, state: KeyState, event: Happening): Outcome {
  switch (rule.kind) {
    case 'threshold':
      return counted(rule, state, event, event.id);
    case 'distinct':
      return counted(rule, state, event, event.value);
    case 'sequence':
      return event.second ? second(rule, state, event) : first(rule, state, event);
    case 'absence':
      return event.second ? answer(rule, state, event) : expect(state, event);
    case 'silence':
      return heard(state, event);
  }
}

/** When the key fires by itself, in time of arrival; undefined: it does not. */
export function dueAt(rule: WindowRule, state: KeyState): number | undefined {
  if (rule.kind !== 'absence' && rule.kind !== 'silence') return undefined;
  if (state.waiting === undefined) return undefined;
  return state.waiting.arrived + rule.withinMs + rule.lateMs;
}

/** Nothing has followed. May be called once `dueAt` has passed. */
export function missed(rule: WindowRule, state: KeyState): Completed | undefined {
  const { waiting } = state;
  if (waiting === undefined) return undefined;
  state.closed = Math.max(state.closed, waiting.at + rule.withinMs) + rule.suppressMs;
  state.waiting = undefined;
  state.newest = undefined;
  state.answered = undefined;
  state.fresh = undefined;
  return { eventId: waiting.id, count: 0, first: waiting, last: waiting };
}

/** The state says nothing any more: not even to events that come again. */
export function isOver(rule: WindowRule, state: KeyState, now: number): boolean {
  if (dueAt(rule, state) !== undefined) return false;
  return Math.max(state.latest + rule.withinMs, state.closed) + windowBounds.keepMs < now;
}

function counted(rule: WindowRule, state: KeyState, event: Happening, token: string): Outcome {
  const { at, id } = event;
  if (at <= state.closed || at <= state.latest - rule.withinMs) return 'ignored';
  const { held } = state;
  const latest = Math.max(state.latest, at);
  const before = held.get(token);
  if (before !== undefined) {
    if (before.at >= at) return 'ignored';
    // The same event is not counted twice; the same value counts from its newest event on.
    if (before.id === id && before.at > latest - rule.withinMs) return 'ignored';
  }
  state.latest = latest;
  held.set(token, at, id);
  state.fresh?.push([token, at, id]);
  if (!isFull(held, latest, rule)) return 'counted';
  return complete(rule, state, id, rule.kind === 'distinct' ? valuesOf(held) : undefined);
}

function first(rule: WindowRule, state: KeyState, event: Happening): Outcome {
  const { at, id, arrived } = event;
  if (at <= state.closed || at <= state.latest - rule.withinMs) return 'ignored';
  if (state.waiting !== undefined && (state.waiting.id === id || at < state.waiting.at))
    return 'ignored';
  for (const pair of state.held) if (pair.id === id) return 'ignored';
  state.latest = Math.max(state.latest, at);
  state.waiting = { at, id, arrived };
  state.fresh = undefined;
  return 'counted';
}

function second(rule: WindowRule, state: KeyState, event: Happening): Outcome {
  const { at, id } = event;
  const { waiting, held } = state;
  if (at <= state.closed || at <= state.latest - rule.withinMs || held.get(id) !== undefined)
    return 'ignored';
  if (waiting === undefined || waiting.id === id || at < waiting.at) return 'ignored';
  if (at - waiting.at >= rule.withinMs) return 'ignored';
  state.latest = Math.max(state.latest, at);
  held.set(id, waiting.at, waiting.id);
  state.waiting = undefined;
  state.fresh = undefined;
  if (!isFull(held, state.latest, rule)) return 'counted';
  return complete(rule, state, id, undefined, { at, id });
}

function expect(state: KeyState, event: Happening): Outcome {
  const { at, id, arrived } = event;
  const { waiting, newest, answered } = state;
  if (at <= state.closed || waiting?.id === id || newest?.id === id) return 'ignored';
  if (answered !== undefined) {
    if (at < answered.at || (at === answered.at && answered.ids.includes(id))) return 'ignored';
  }
  state.latest = Math.max(state.latest, at);
  state.fresh = undefined;
  const one: Waiting = { at, id, arrived };
  if (waiting === undefined) state.waiting = one;
  else if (at < waiting.at) {
    state.newest = newest ?? waiting;
    state.waiting = one;
  } else if (newest === undefined || at >= newest.at) state.newest = one;
  return 'counted';
}

function answer(rule: WindowRule, state: KeyState, event: Happening): Outcome {
  const { at } = event;
  const { waiting, newest, answered } = state;
  if (at <= state.closed || (answered !== undefined && at < answered.at)) return 'ignored';
  state.latest = Math.max(state.latest, at);
  state.fresh = undefined;
  const ids = answered?.at === at ? [...answered.ids] : [];
  const left: Waiting[] = [];
  for (const one of [waiting, newest]) {
    if (one === undefined) continue;
    // An event is no answer to itself.
    const answers = one.at <= at && at - one.at < rule.withinMs && one.id !== event.id;
    if (answers) ids.push(one.id);
    else left.push(one);
  }
  [state.waiting, state.newest] = left;
  // Only what has the answer's very time is asked for by id.
  state.answered = { at, ids: ids.slice(-2) };
  return 'counted';
}

function heard(state: KeyState, event: Happening): Outcome {
  const { at, id, arrived } = event;
  if (at <= state.closed || at < state.latest) return 'ignored';
  state.latest = at;
  state.waiting = { at, id, arrived: Math.max(arrived, state.waiting?.arrived ?? 0) };
  state.fresh = undefined;
  return 'counted';
}

/**
 * Does it hold as many as the rule counts to, without what has left the window? After a restart it may hold more than
 * it ever did: once what goes from the front is gone, the rest is looked through.
 */
function isFull(held: HeldEvents, latest: number, { withinMs, count }: WindowRule): boolean {
  for (let before = Number.POSITIVE_INFINITY; held.size >= count && held.size < before; ) {
    before = held.size;
    held.forget(latest - withinMs);
  }
  return held.size >= count;
}

function valuesOf(held: Iterable<{ token: string }>): string[] {
  const values: string[] = [];
  for (const { token } of held) {
    if (values.push(token) === windowBounds.valuesTold) break;
  }
  return values;
}

function complete(
  rule: WindowRule,
  state: KeyState,
  eventId: string,
  values?: string[],
  end?: Moment,
): Completed {
  let earliest: Moment | undefined;
  let last = end;
  for (const one of state.held) {
    if (earliest === undefined || one.at < earliest.at) earliest = one;
    if (end === undefined && (last === undefined || one.at >= last.at)) last = one;
  }
  const first = earliest ?? { at: state.latest, id: eventId };
  const count = state.held.size;
  state.held.clear();
  state.waiting = undefined;
  state.closed = state.latest + rule.suppressMs;
  state.fresh = undefined;
  return {
    eventId,
    count,
    first,
    last: last ?? first,
    ...(values === undefined ? {} : { values }),
  };
}
