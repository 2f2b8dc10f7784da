/** Options and sentences that several commands share. */
import type { VerbOption } from './verb.ts';

export const LIMIT: VerbOption = { flags: '-n, --limit <n>', about: 'at most this many (50)' };
export const ALL: VerbOption = { flags: '--all', about: 'all there are' };
export const CSV: VerbOption = {
  flags: '--csv',
  about:
    'all fields as CSV for spreadsheets; text that looks like a formula is led by an apostrophe',
};
export const REASON: VerbOption = { flags: '--reason <text>', about: 'kept in the history' };
export const SINCE: VerbOption = { flags: '--since <time>', about: '15m, 2h, 1d ago, or a time' };
export const UNTIL: VerbOption = { flags: '--until <time>', about: 'up to this time' };
export const WAIT: readonly VerbOption[] = [
  { flags: '-w, --wait', about: 'until it has happened' },
  { flags: '--timeout <seconds>', about: 'of --wait (60); exit code 6' },
];
export const ROLE: VerbOption = {
  flags: '-r, --role <role>',
  about: 'several times for several',
  many: true,
};
export const USER_MORE = 'A user is named by user name or id.';
export const AGENT_MORE = 'An agent is named by its id, the beginning of its id, or its name.';
export const SELECTOR_MORE =
  'A selector is a list of terms that must all hold: "type=wifi, site=berlin, tag!=old, name in (a, b)". id, name, type and tag look at the agent; any other key at its tag key=value.';
export const GROUP_OPTIONS: readonly VerbOption[] = [
  { flags: '--priority <n>', about: 'of two groups with the same key the higher wins (0)' },
  { flags: '--description <text>', about: 'what it is for' },
];
export const RUNTIME: VerbOption = {
  flags: '--runtime',
  about: 'the layer over all others: log level, intervals, rules_enabled',
};
export const LAYERS: readonly VerbOption[] = [
  { flags: '--fleet', about: 'the layer of all agents; no agent is named then' },
  { flags: '--group <name>', about: 'the layer of a group' },
  { flags: '--environment <name>', about: 'the layer of OPMAS_ENV: development, testing …' },
];
export const SEVERITIES = ['info', 'warning', 'error', 'critical'];
export const LEVELS = ['debug', 'info', 'warning', 'error', 'critical'];
export const UNSET: VerbOption = {
  flags: '--unset <key>',
  about: 'take this key out in the same version; several times for several',
  many: true,
};
