/** What a benchmark says: figures with their goals, beside what a peer or a limit gave in the same run. */

export interface Figure {
  name: string;
  value: number;
  unit: string;
  /** `least`: at least this is wanted; `most`: at most. */
  goal?: { least: number } | { most: number };
}

/** A peer or a limit measured in the same run; `value` undefined: not measured, and why. */
export interface Peer {
  name: string;
  value: number | undefined;
  unit: string;
  /** The figure it is set against. */
  against: string;
  note?: string;
}

export interface Report {
  id: string;
  title: string;
  figures: Figure[];
  peers: Peer[];
  notes: string[];
}

/** The report as lines for a terminal. */
export function describe({ id, title, figures, peers, notes }: Report): string[] {
  const lines = [`${id}  ${title}`];
  for (const figure of figures) {
    lines.push(`    ${figure.name.padEnd(44)} ${shown(figure)}${goalOf(figure)}`);
  }
  for (const peer of peers) lines.push(`    ${comparison(peer, figures)}`);
  for (const note of notes) lines.push(`    ${note}`);
  return lines;
}

function comparison(peer: Peer, figures: readonly Figure[]): string {
  const name = `beside: ${peer.name}`.padEnd(44);
  const remark = peer.note === undefined ? '' : `  (${peer.note})`;
  if (peer.value === undefined) return `${name} not measured${remark}`;
  const own = figures.find((figure) => figure.name === peer.against);
  const ratio = own === undefined ? '' : `  ratio ${significant(own.value / peer.value)}`;
  return `${name} ${shown({ value: peer.value, unit: peer.unit })}${ratio}${remark}`;
}

function goalOf({ goal, value }: Figure): string {
  if (goal === undefined) return '';
  const reached = 'least' in goal ? value >= goal.least : value <= goal.most;
  const wanted = 'least' in goal ? `at least ${goal.least}` : `at most ${goal.most}`;
  return `  goal: ${wanted.replace(/\B(?=(\d{3})+$)/g, ',')}${reached ? '' : ' — not reached'}`;
}

function shown({ value, unit }: { value: number; unit: string }): string {
  return `${significant(value)} ${unit}`;
}

/** Three digits that mean something. */
function significant(value: number): string {
  if (value === 0 || Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US');
  return Number(value.toPrecision(3)).toString();
}

/** The value that `share` of the sorted samples do not exceed. */
export function percentile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

export function median(samples: readonly number[]): number {
  return percentile(samples, 0.5);
}
