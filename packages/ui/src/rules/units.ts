// Figures of rules as people read them.

const FIGURE = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 3 });
const WHOLE = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });

/** `84 ns`, `5.06 µs`, `1.2 ms`: what a rule takes for one event. */
export function cost(ns: number): string {
  if (ns < 1_000) return `${FIGURE.format(ns)} ns`;
  if (ns < 1_000_000) return `${FIGURE.format(ns / 1_000)} µs`;
  return `${FIGURE.format(ns / 1_000_000)} ms`;
}

export function count(n: number): string {
  return WHOLE.format(n);
}

export function perThousand(rate: number): string {
  return FIGURE.format(rate);
}

const UNITS = [
  ['d', 86_400],
  ['h', 3_600],
  ['min', 60],
] as const;

/** `90 s`, `5 min`, `1 d`: in the largest unit that says it exactly. */
export function span(seconds: number): string {
  const unit = UNITS.find(([, size]) => seconds >= size && seconds % size === 0);
  return unit ? `${seconds / unit[1]} ${unit[0]}` : `${seconds} s`;
}
