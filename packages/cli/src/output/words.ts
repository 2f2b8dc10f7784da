/** How statuses and severities look, the same in every command. */
import type { Colours, Formatter } from './output.ts';

const GOOD = new Set(['running', 'ok', 'up', 'ready', 'valid', 'done']);
const BAD = new Set([
  'failed',
  'invalid',
  'down',
  'unavailable',
  'fail',
  'critical',
  'error',
  'expired',
]);
const POOR = new Set([
  'warning',
  'warn',
  'degraded',
  'waiting',
  'discovered',
  'registered',
  'pending',
]);

export function paintOf(word: string, colours: Colours): Formatter | undefined {
  if (GOOD.has(word)) return colours.green;
  if (BAD.has(word)) return colours.red;
  if (POOR.has(word)) return colours.yellow;
  return undefined;
}
