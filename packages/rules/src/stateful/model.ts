/** For tests: what windows mean, said plainly. Keeps the whole history of a key and looks through it at every event. */

export interface ModelRule {
  kind: 'threshold' | 'distinct' | 'sequence' | 'absence' | 'silence';
  count: number;
  withinMs: number;
  suppressMs: number;
  lateMs: number;
}

export interface ModelEvent {
  id: string;
  key: string;
  at: number;
  arrived: number;
  value: string;
  /** What it matches; the second step is looked at first. */
  first: boolean;
  second: boolean;
}

/** What is told: the event that completed it, and how many counted. */
export interface Told {
  key: string;
  id: string;
  count: number;
}

interface History {
  counted: { id: string; at: number; arrived: number; value: string }[];
  pairs: { first: ModelEvent; second: ModelEvent }[];
  answers: { id: string; at: number; answered: string[] }[];
  open: ModelEvent[];
  closed: number;
  latest: number;
}

export class Model {
  readonly #rule: ModelRule;
  readonly #keys: number;
  #histories: { key: string; history: History }[] = [];
  evicted = 0;

  /** @param keys as many are remembered, the longest unused goes first */
  constructor(rule: ModelRule, keys = Number.POSITIVE_INFINITY) {
    this.#rule = rule;
    this.#keys = keys;
  }

  event(event: ModelEvent): Told[] {
    const told: (Told | undefined)[] = [];
    if (event.second) told.push(this.#step(event, true));
    if (event.first) told.push(this.#step(event, false));
    return told.filter((one) => one !== undefined);
  }

  /** Everything that arrived before `now` was given. */
  passed(now: number): Told[] {
    const { withinMs, lateMs, suppressMs } = this.#rule;
    const told: Told[] = [];
    for (const { key, history } of this.#histories) {
      const oldest = history.open[0];
      if (oldest === undefined || !['absence', 'silence'].includes(this.#rule.kind)) continue;
      if (oldest.arrived + withinMs + lateMs > now) continue;
      history.closed = Math.max(history.closed, oldest.at + withinMs) + suppressMs;
      history.open = [];
      history.answers = [];
      told.push({ key, id: oldest.id, count: 0 });
    }
    return told;
  }

  #step(event: ModelEvent, second: boolean): Told | undefined {
    const history = this.#touch(event.key, second);
    if (history === undefined || event.at <= history.closed) return undefined;
    const { kind } = this.#rule;
    if (kind === 'threshold' || kind === 'distinct') return this.#count(event, history);
    if (kind === 'silence') return silence(event, history);
    if (kind === 'sequence') return this.#sequence(event, second, history);
    return this.#absence(event, second, history);
  }

  #touch(key: string, second: boolean): History | undefined {
    const known = this.#histories.find((one) => one.key === key);
    if (known === undefined && second && this.#rule.kind === 'sequence') return undefined;
    const history = known?.history ?? {
      counted: [],
      pairs: [],
      answers: [],
      open: [],
      closed: 0,
      latest: 0,
    };
    this.#histories = [...this.#histories.filter((one) => one.key !== key), { key, history }];
    if (this.#histories.length > this.#keys) {
      this.#histories.shift();
      this.evicted += 1;
    }
    return history;
  }

  #count(event: ModelEvent, history: History): Told | undefined {
    const { kind, withinMs, suppressMs, count } = this.#rule;
    if (event.at <= history.latest - withinMs) return undefined;
    const latest = Math.max(history.latest, event.at);
    const inWindow = () =>
      history.counted.filter(({ at }) => at > latest - withinMs && at > history.closed);
    if (inWindow().some(({ id }) => id === event.id)) return undefined;
    history.latest = latest;
    history.counted.push(event);
    const number =
      kind === 'threshold' ? inWindow().length : new Set(inWindow().map(({ value }) => value)).size;
    if (number < count) return undefined;
    history.closed = latest + suppressMs;
    return { key: event.key, id: event.id, count: number };
  }

  #sequence(event: ModelEvent, second: boolean, history: History): Told | undefined {
    const { withinMs, suppressMs, count } = this.#rule;
    if (event.at <= history.latest - withinMs) return undefined;
    const open = history.open[0];
    const used = history.pairs.filter(({ first }) => first.at > history.closed);
    if (!second) {
      const known = used.some(({ first }) => first.id === event.id);
      if (known || open?.id === event.id || (open !== undefined && event.at < open.at)) {
        return undefined;
      }
      history.open = [event];
      history.latest = Math.max(history.latest, event.at);
      return undefined;
    }
    if (used.some((pair) => pair.second.id === event.id)) return undefined;
    if (open === undefined || open.id === event.id || event.at < open.at) return undefined;
    if (event.at - open.at >= withinMs) return undefined;
    history.latest = Math.max(history.latest, event.at);
    history.pairs.push({ first: open, second: event });
    history.open = [];
    const whole = history.pairs.filter(
      ({ first }) => first.at > history.closed && first.at > history.latest - withinMs,
    );
    if (whole.length < count) return undefined;
    history.closed = history.latest + suppressMs;
    return { key: event.key, id: event.id, count: whole.length };
  }

  #absence(event: ModelEvent, second: boolean, history: History): undefined {
    const { withinMs } = this.#rule;
    const newest = history.answers.toSorted((a, b) => a.at - b.at).at(-1);
    if (second) {
      if (newest !== undefined && event.at < newest.at) return;
      const answered = history.open.filter(
        (one) => one.id !== event.id && one.at <= event.at && event.at - one.at < withinMs,
      );
      history.open = history.open.filter((one) => !answered.includes(one));
      const ids = answered.map(({ id }) => id);
      history.answers.push({ id: event.id, at: event.at, answered: ids });
      return;
    }
    if (history.open.some(({ id }) => id === event.id)) return;
    if (newest !== undefined && event.at < newest.at) return;
    const known = history.answers
      .filter(({ at }) => at === event.at)
      .some(({ answered }) => answered.includes(event.id));
    if (known) return;
    // Of all without an answer the oldest and the newest are kept.
    const all = [...history.open, event].toSorted((a, b) => a.at - b.at);
    const [oldest, last] = [all[0], all.at(-1)];
    history.open = [oldest, last].filter(
      (one, at, list) => one !== undefined && list.indexOf(one) === at,
    ) as ModelEvent[];
  }
}

function silence(event: ModelEvent, history: History): undefined {
  if (event.at < history.latest) return;
  history.latest = event.at;
  const arrived = Math.max(event.arrived, history.open[0]?.arrived ?? 0);
  history.open = [{ ...event, arrived }];
}
