/** The names of syslog's numbers, as `logread` and syslog.conf write them. */
export const FACILITIES = [
  'kern',
  'user',
  'mail',
  'daemon',
  'auth',
  'syslog',
  'lpr',
  'news',
  'uucp',
  'cron',
  'authpriv',
  'ftp',
  'ntp',
  'audit',
  'alert',
  'clock',
  'local0',
  'local1',
  'local2',
  'local3',
  'local4',
  'local5',
  'local6',
  'local7',
] as const;

export const SYSLOG_SEVERITIES = [
  'emerg',
  'alert',
  'crit',
  'err',
  'warning',
  'notice',
  'info',
  'debug',
] as const;

const facilityNames = new Set<string>(FACILITIES);
const severityNames = new Map<string, string>([
  ...SYSLOG_SEVERITIES.map((name) => [name, name] as const),
  ['panic', 'emerg'],
  ['error', 'err'],
  ['warn', 'warning'],
]);

/** `daemon.notice` → its two names; undefined when either is unknown. */
export function selectorNames(
  selector: string,
): { facility: string; severity: string } | undefined {
  const dot = selector.indexOf('.');
  const facility = selector.slice(0, dot);
  const severity = severityNames.get(selector.slice(dot + 1));
  if (dot < 1 || severity === undefined || !facilityNames.has(facility)) return undefined;
  return { facility, severity };
}
