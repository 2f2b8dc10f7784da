// The values of a configuration one by one, and the layers they come from in their order.
import type { Document, EffectiveConfig, LayerOrigin } from '../api/configs.ts';
import { isSection } from './three-way.ts';

export interface KeyRow {
  /** Its own, also where a key holds a dot and two paths read alike. */
  id: string;
  path: string;
  value: unknown;
  /** The layer: `default`, `group:berlin` …; empty when it is not known. */
  origin: string;
}

export interface LayerRow {
  label: string;
  /** Of stored layers that were written. */
  stored: LayerOrigin | undefined;
  /** Values that come from it. */
  wins: number;
}

/** Every value by its path; lists, secrets and empty sections are one value. */
export function keyRows(config: Document, origins: Readonly<Record<string, string>>): KeyRow[] {
  const rows: KeyRow[] = [];
  const visit = (value: unknown, at: readonly string[]) => {
    if (isSection(value) && (at.length === 0 || Object.keys(value).length > 0)) {
      for (const [key, inner] of Object.entries(value)) visit(inner, [...at, key]);
      return;
    }
    const path = at.join('.');
    const origin = Object.hasOwn(origins, path) ? (origins[path] ?? '') : '';
    rows.push({ id: JSON.stringify(at), path, value, origin });
  };
  visit(config, []);
  return rows.toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

/** Layers that are always there, the lowest first; stored ones stand between them as the server orders them. */
const FIXED = { below: ['package', 'environment'], above: ['fleet'], top: ['agent', 'runtime'] };

/** All layers of an agent, the lowest first; the last one that sets a key wins. */
export function layerRows({ origins, layers }: EffectiveConfig): LayerRow[] {
  const wins = new Map<string, number>();
  for (const label of Object.values(origins)) wins.set(label, (wins.get(label) ?? 0) + 1);
  const stored = Object.keys(layers);
  const labels = [
    'default',
    ...stored.filter((label) => label.startsWith('environment:')),
    ...FIXED.below,
    ...FIXED.above,
    ...stored.filter((label) => label.startsWith('group:')),
    ...FIXED.top,
  ];
  // A layer this page does not know, from a newer server, is shown last instead of not at all.
  const strange = [...new Set([...stored, ...wins.keys()])].filter(
    (label) => !labels.includes(label),
  );
  return [...labels, ...strange].map((label) => ({
    label,
    stored: Object.hasOwn(layers, label) ? layers[label] : undefined,
    wins: wins.get(label) ?? 0,
  }));
}

/** `25` and `"text"` as they are; anything longer than a line in short, to be opened. */
export function inShort(value: unknown, chars: number): { short: string; isWhole: boolean } {
  const json = JSON.stringify(value) ?? '';
  if (json.length <= chars) return { short: json, isWhole: true };
  if (Array.isArray(value)) return { short: `[ ${value.length} ]`, isWhole: false };
  return { short: `${json.slice(0, chars)}…`, isWhole: false };
}

export function isSecret(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, '$secret');
}

/** Those that hold the text in their key, value or layer, and come from one of `from`; of any when it is empty. */
export function matchingKeys(
  rows: readonly KeyRow[],
  q: string,
  from: readonly string[],
): readonly KeyRow[] {
  const needle = q.trim().toLowerCase();
  if (needle === '' && from.length === 0) return rows;
  return rows.filter(
    ({ path, value, origin }) =>
      (from.length === 0 || from.includes(origin)) &&
      (needle === '' ||
        `${path}\n${JSON.stringify(value) ?? ''}\n${origin}`.toLowerCase().includes(needle)),
  );
}
