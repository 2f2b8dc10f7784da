/** All windows of an agent's rules: takes what the matcher found, and answers what is thereby complete. */
import type { LogEvent, Rule } from '@opmas/protocol';
import type { Match } from '../verify.ts';
import { arrivalOf, eventTime } from './event-time.ts';
import type { Firing, WindowDetails } from './firing.ts';
import type { Completed, Happening } from './kinds.ts';
import { windowBounds } from './limits.ts';
import { readRecord, type Unsettled, type WindowRecord } from './records.ts';
import { RuleWindows, type WindowRoom } from './rule-windows.ts';
import type { WindowRule } from './window-rule.ts';

export interface WindowStats {
  /** Rules that count over time. */
  rules: number;
  keys: number;
  /** Remembered events. */
  entries: number;
  /** Events that counted, and those that did not: come again, too late, suppressed. */
  counted: number;
  ignored: number;
  /** Events without a field that the rule counts by. */
  keyless: number;
  fired: number;
  /** Keys that gave way to others although their window was open: the rule may have missed something. */
  evicted: number;
  /** Firings given up before their finding was known to be stored. */
  forgotten: number;
}

/** What `adopt` takes: a compiled rule set. */
export interface WithWindows {
  readonly windows: readonly WindowRule[];
}

export interface WindowsOptions {
  /** false: nobody asks for `changes`, and firings are told once, as in a trial. */
  kept?: boolean;
  /** Bounds of one rule; absent: an even share of `windowBounds`. */
  room?: Partial<WindowRoom>;
}

interface Pending extends Unsettled {
  windows: RuleWindows;
  key: string;
}

/**
 * Counts for one agent. Not bound to a clock: time is what the events say, held to their arrival, and for
 * absence what the caller says is past. Every event costs the same, however much is remembered.
 *
 * A firing is told again when its completing event comes again, until `settle` says that its finding is
 * stored; all other events that come again change nothing.
 */
export class Windows {
  readonly #room: Partial<WindowRoom>;
  readonly #kept: boolean;
  /** Of the rules in force, by signature. */
  #rules = new Map<string, RuleWindows>();
  /** By the rule object that matches carry. */
  #steps = new Map<Rule, { windows: RuleWindows; second: boolean }>();
  /** Those of them that no event completes. */
  #watched: RuleWindows[] = [];
  /** By `Firing.id`. */
  readonly #unsettled = new Map<string, Pending>();
  /** Timed firings that `due` has to tell (again). */
  readonly #untold = new Set<Pending>();
  #news: WindowRecord[] = [];
  /** Signatures of rules that went out of force; told before what others counted since. */
  #dropped = new Set<string>();
  readonly #counts = { counted: 0, ignored: 0, keyless: 0, fired: 0, forgotten: 0, evicted: 0 };

  constructor(options: WindowsOptions = {}) {
    this.#room = options.room ?? {};
    this.#kept = options.kept ?? true;
  }

  /** Puts a rule set in force. What rules counted that are still there, and count the same, stays. */
  adopt(ruleset: WithWindows): void {
    const rules = new Map<string, RuleWindows>();
    this.#steps = new Map();
    for (const rule of ruleset.windows) {
      const room = this.#roomOf(rule, ruleset.windows.length);
      const windows = this.#rules.get(rule.signature) ?? new RuleWindows(rule, room, this.#kept);
      windows.rule = rule;
      windows.room = room;
      rules.set(rule.signature, windows);
      this.#steps.set(rule.rule, { windows, second: false });
      if (rule.second !== undefined) this.#steps.set(rule.second, { windows, second: true });
    }
    for (const [signature, windows] of this.#rules) {
      if (rules.has(signature)) continue;
      this.#counts.evicted += windows.evicted;
      if (this.#kept) this.#dropped.add(signature);
    }
    for (const [name, pending] of this.#unsettled) {
      if (!rules.has(pending.windows.rule.signature)) this.#drop(name, pending);
    }
    this.#rules = rules;
    const timed = ['absence', 'silence'];
    this.#watched = [...rules.values()].filter(({ rule }) => timed.includes(rule.kind));
  }

  /** Does this match only count? Then it is no finding by itself. */
  counts(match: Match): boolean {
    return this.#steps.has(match.rule);
  }

  /** There is something to count or to wait for. */
  get any(): boolean {
    return this.#rules.size > 0;
  }

  /**
   * What an event's matches come to: those of plain rules as they are, those of rules that count over time
   * replaced by what they complete.
   * @param now milliseconds; the arrival of events without `received_at`
   */
  settleMatches(matches: readonly Match[], event: LogEvent, now: number): (Match | Firing)[] {
    if (this.#steps.size === 0) return [...matches];
    const result: (Match | Firing)[] = [];
    for (const match of matches) {
      if (!this.#steps.has(match.rule)) result.push(match);
      else {
        const firing = this.apply(match, event, now);
        if (firing !== undefined) result.push(firing);
      }
    }
    return result;
  }

  /** Counts one match. @returns the firing, when it completes a window, or did at an earlier delivery */
  apply(match: Match, event: LogEvent, now: number): Firing | undefined {
    const step = this.#steps.get(match.rule);
    if (step === undefined) return undefined;
    const { windows, second } = step;
    const { rule } = windows;
    const key = rule.keyOf(match, event);
    const value = rule.kind === 'distinct' ? rule.valueOf(match, event) : '';
    if (key === undefined || value === undefined) {
      this.#counts.keyless += 1;
      return undefined;
    }
    const arrived = arrivalOf(event, now);
    const at = eventTime(event, arrived, rule.skewMs);
    const id = event.event_id;
    const happening: Happening = { id, at, arrived, value, second };
    const outcome = windows.happened(key, happening, now);
    if (outcome === 'ignored') {
      this.#counts.ignored += 1;
      // One event may match both steps: only the one that completes tells it.
      return second === (rule.kind === 'sequence') ? this.#again(windows, key, id) : undefined;
    }
    this.#counts.counted += 1;
    if (outcome === 'counted') return undefined;
    return this.#fire(windows, key, outcome, match, false);
  }

  /**
   * What is absent by now, and firings of that kind that were restored.
   * @param now in time of arrival: everything that arrived before has been given to `apply`
   */
  due(now: number): Firing[] {
    const result = Array.from(this.#untold, firingOf);
    this.#untold.clear();
    for (const windows of this.#watched) {
      for (const [key, completed] of windows.missed(now)) {
        result.push(this.#fire(windows, key, completed, undefined, true));
      }
    }
    return result;
  }

  /** No absence is due before, in time of arrival; infinite without any. */
  get nextDue(): number {
    if (this.#untold.size > 0) return 0;
    let soonest = Number.POSITIVE_INFINITY;
    for (const windows of this.#watched) soonest = Math.min(soonest, windows.soonest);
    return soonest;
  }

  /** The firing's finding is stored: it is not told again. */
  settle(firing: Firing): void {
    const pending = this.#unsettled.get(firing.id);
    if (pending === undefined) return;
    this.#drop(firing.id, pending);
    const { windows, key, event_id } = pending;
    this.#news.push({ rule: windows.rule.signature, key, settled: event_id });
  }

  /** The firing's finding could not be stored: `due` tells a timed one again. */
  release(firing: Firing): void {
    const pending = this.#unsettled.get(firing.id);
    if (pending?.timed === true) this.#untold.add(pending);
  }

  /**
   * What changed since the last call, one record a line without its end. Kept in this order, and given to
   * `restore` in this order, they make the same windows again.
   */
  changes(): string[] {
    const lines = Array.from(this.#dropped, (rule) =>
      JSON.stringify({ rule, key: '', dropped: true }),
    );
    this.#dropped.clear();
    for (const windows of this.#rules.values()) {
      for (const record of windows.changes()) lines.push(JSON.stringify(record));
    }
    for (const record of this.#news) lines.push(JSON.stringify(record));
    this.#news = [];
    return lines;
  }

  /** Everything, as `changes` gives it; may be read piece by piece while events go on being counted. */
  *all(now: number): Generator<string> {
    const rules = [...this.#rules.values()];
    for (const windows of rules) {
      for (const record of windows.all(now)) yield JSON.stringify(record);
    }
    const unsettled = [...this.#unsettled.values()];
    for (const { windows, key, ...fired } of unsettled) {
      yield JSON.stringify({ rule: windows.rule.signature, key, fired });
    }
  }

  /** @returns false for a line that is no record */
  restore(line: string): boolean {
    const record = readRecord(line);
    if (record === undefined) return false;
    const windows = this.#rules.get(record.rule);
    if (windows === undefined) return true;
    const { key } = record;
    if ('state' in record) windows.put(key, record.state);
    else if ('add' in record) windows.add(key, record.latest, record.add);
    else if ('gone' in record) windows.remove(key);
    else if ('dropped' in record) this.#forget(windows);
    else if ('fired' in record) {
      const pending: Pending = { ...record.fired, windows, key };
      this.#remember(pending);
      if (pending.timed) this.#untold.add(pending);
    } else {
      const name = nameOf(record.rule, key, record.settled);
      const pending = this.#unsettled.get(name);
      if (pending !== undefined) this.#drop(name, pending);
    }
    return true;
  }

  get stats(): WindowStats {
    let [keys, entries, evicted] = [0, 0, this.#counts.evicted];
    for (const windows of this.#rules.values()) {
      keys += windows.keys;
      entries += windows.entries;
      evicted += windows.evicted;
    }
    return { ...this.#counts, rules: this.#rules.size, keys, entries, evicted };
  }

  /** Ids of rules of which keys gave way, with their number. */
  evictions(): { rule_id: string; keys: number }[] {
    return [...this.#rules.values()]
      .filter(({ evicted }) => evicted > 0)
      .map(({ rule, evicted }) => ({ rule_id: rule.rule.id, keys: evicted }));
  }

  #fire(
    windows: RuleWindows,
    key: string,
    completed: Completed,
    match: Match | undefined,
    timed: boolean,
  ): Firing {
    const pending: Pending = {
      event_id: completed.eventId,
      window: detailsOf(windows.rule, key, completed),
      timed,
      ...(match?.text === undefined ? {} : { text: match.text }),
      ...(match?.groups === undefined ? {} : { groups: match.groups }),
      windows,
      key,
    };
    this.#counts.fired += 1;
    if (!this.#kept) return firingOf(pending);
    this.#remember(pending);
    const { windows: _windows, key: _key, ...fired } = pending;
    this.#news.push({ rule: windows.rule.signature, key, fired });
    return firingOf(pending);
  }

  #again(windows: RuleWindows, key: string, eventId: string): Firing | undefined {
    if (this.#unsettled.size === 0) return undefined;
    const pending = this.#unsettled.get(nameOf(windows.rule.signature, key, eventId));
    return pending === undefined || pending.timed ? undefined : firingOf(pending);
  }

  #remember(pending: Pending): void {
    const { windows, key, event_id } = pending;
    this.#unsettled.set(nameOf(windows.rule.signature, key, event_id), pending);
    if (this.#unsettled.size <= windowBounds.unsettled) return;
    const [oldest] = this.#unsettled;
    if (oldest === undefined) return;
    this.#drop(...oldest);
    this.#counts.forgotten += 1;
  }

  #drop(name: string, pending: Pending): void {
    this.#unsettled.delete(name);
    this.#untold.delete(pending);
  }

  #forget(windows: RuleWindows): void {
    const { rule, room } = windows;
    const fresh = new RuleWindows(rule, room, this.#kept);
    this.#rules.set(rule.signature, fresh);
    for (const [step, of] of this.#steps) {
      if (of.windows === windows) this.#steps.set(step, { ...of, windows: fresh });
    }
    this.#watched = this.#watched.map((each) => (each === windows ? fresh : each));
    for (const [name, pending] of this.#unsettled) {
      if (pending.windows === windows) this.#drop(name, pending);
    }
  }

  #roomOf(rule: WindowRule, rules: number): WindowRoom {
    const share = (all: number, least: number, most: number) =>
      Math.max(least, Math.min(most, Math.floor(all / rules)));
    const { keys, keysPerRuleMin, keysPerRule, entries, entriesPerRule } = windowBounds;
    return {
      keys: this.#room.keys ?? share(keys, keysPerRuleMin, keysPerRule),
      entries: this.#room.entries ?? share(entries, rule.count * 2, entriesPerRule),
    };
  }
}

/** A firing's name, as long as it is not settled. */
function nameOf(signature: string, key: string, eventId: string): string {
  return `${signature}\u0000${key}\u0000${eventId}`;
}

function firingOf({ windows, key, event_id, window, timed, text, groups }: Pending): Firing {
  const { rule, signature } = windows.rule;
  return {
    id: nameOf(signature, key, event_id),
    rule,
    matched_pattern: rule.pattern,
    ...(text === undefined ? {} : { text }),
    ...(groups === undefined ? {} : { groups }),
    event_id,
    window,
    timed,
  };
}

function detailsOf(rule: WindowRule, key: string, completed: Completed): WindowDetails {
  const { count, first, last, values } = completed;
  return {
    kind: rule.kind,
    key,
    group: rule.group(key),
    count,
    first_event_id: first.id,
    first_at: new Date(first.at).toISOString(),
    last_event_id: last.id,
    last_at: new Date(last.at).toISOString(),
    ...(values === undefined
      ? {}
      : { values: values.map((value) => value.slice(0, windowBounds.valueChars)) }),
  };
}
