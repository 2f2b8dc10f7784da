import type { Rule } from '@opmas/protocol';

/** An absence that is told, through the action `page`, a minute after a host was heard last. */
export const SILENT_HOST: Rule = {
  id: 'silent',
  name: 'Silent host',
  kind: 'absence',
  pattern: '',
  group_by: ['host'],
  within_seconds: 60,
  severity: 'warning',
  action: 'page',
};
