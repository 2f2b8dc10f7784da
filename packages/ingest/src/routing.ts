/** Which domain a log line belongs to: by program, by facility, and for the kernel by what it says. */
import { DOMAINS, isPlainObject, TOKEN } from '@opmas/protocol';
import { ingestLimits } from './limits.ts';

/** What routing looks at; any part may be missing. */
export interface Routable {
  program?: string | undefined;
  facility?: string | undefined;
  message: string;
}

/** A user's rule: every condition given must hold. Names regardless of case, `contains` as written. */
export interface RoutingRule {
  program?: string;
  facility?: string;
  contains?: string;
  domain: string;
}

export interface Router {
  /** The domain of `event`: the user's rules first, then the default table, else `system`. */
  domainOf(event: Routable): string;
  /** Is `domain` built in, or named by a rule? */
  isKnown(domain: string): boolean;
}

/** Programs whose every line belongs to one domain. */
const PROGRAMS: Readonly<Record<string, readonly string[]>> = {
  auth: [
    'dropbear',
    'sshd',
    'sshd-session',
    'sshd-auth',
    'sudo',
    'su',
    'doas',
    'login',
    'passwd',
    'systemd-logind',
    'uhttpd',
    'luci',
    'rpcd',
    'radiusd',
    'freeradius',
  ],
  security: [
    'firewall',
    'fw3',
    'fw4',
    'fail2ban',
    'fail2ban.actions',
    'fail2ban.filter',
    'snort',
    'suricata',
    'crowdsec',
    'banip',
    'sshguard',
    'iptables',
    'nft',
    'ulogd',
    'auditd',
    'audit',
  ],
  wifi: ['hostapd', 'wpad', 'wpa_supplicant', 'wifi', 'iwinfo', 'usteer', 'dawn', 'wlanconfig'],
  connectivity: [
    'dnsmasq',
    'dnsmasq-dhcp',
    'dnsmasq-tftp',
    'dnsmasq-script',
    'odhcpd',
    'odhcp6c',
    'udhcpc',
    'udhcpd',
    'dhclient',
    'dhcpcd',
    'unbound',
    'netifd',
    'networkmanager',
    'pppd',
    'xl2tpd',
    'pptpd',
    'mwan3',
    'mwan3track',
    'mwan3-hotplug',
    'mwan3rtmon',
    'mwan',
    'openvpn',
    'wireguard',
    'charon',
    'ipsec',
    'miniupnpd',
    'igmpproxy',
    'zebra',
    'bgpd',
    'ospfd',
    'bird',
    'uqmi',
    'modemmanager',
    'hotplug',
  ],
  health: ['thermal', 'thermald', 'smartd', 'collectd', 'watchdog', 'procd', 'mcelog', 'earlyoom'],
  system: ['cron', 'crond', 'ntpd', 'chronyd', 'sysntpd', 'systemd', 'init', 'opkg', 'apk'],
};

/** When the program is unknown or not given. */
const FACILITIES: Readonly<Record<string, string>> = {
  auth: 'auth',
  authpriv: 'auth',
  audit: 'security',
};

/** The kernel's own lines, first match wins. Each pattern takes linear time: no unbounded repeats. */
const KERNEL: readonly (readonly [RegExp, string])[] = [
  [/\bIN=[^ ]{0,32} OUT=|SYN flooding|martian source|apparmor="DENIED"/, 'security'],
  [
    /NETDEV WATCHDOG|nf_conntrack: |neighbou?r(?: table|: )|: link (?:is )?(?:up|down)|link becomes ready|NIC Link is|carrier (?:lost|acquired|on|off)|entered (?:blocking|listening|learning|forwarding|disabled|promiscuous) (?:state|mode)/i,
    'connectivity',
  ],
  [
    /out of memory|oom[-_ ]kill|kernel panic|\boops\b|BUG: |I\/O error|(?:EXT4|F2FS|BTRFS|XFS|UBIFS|SQUASHFS|JFFS2).{0,48}(?:error|warning)|ubi\d: |uncorrectable|call trace|segfault|blocked for more than|soft lockup|rcu_sched|page allocation failure|machine check|under-?voltage|thermal|temperature|watchdog|over-?current/i,
    'health',
  ],
  [
    /ieee80211|cfg80211|mac80211|\bath(?:\d|9k|10k|11k|12k)|\bmt76|\bmt79|\bwlan\d|\bphy\d|\bradio\d|brcmfmac|brcmsmac|iwlwifi|rtw8|rtl8\d{3}[a-z]u|regulatory domain/i,
    'wifi',
  ],
  [/\b(?:eth|lan|wan|br-|ppp|pppoe-|tun|tap|wg|wwan|bond|vlan)[a-z0-9.-]{0,16}: /, 'connectivity'],
];

const byProgram = new Map(
  Object.entries(PROGRAMS).flatMap(([domain, names]) =>
    names.map((name) => [name, domain] as const),
  ),
);

/** A router with `rules` in front of the default table; the rules must have passed `checkRouting`. */
export function createRouter(rules: readonly RoutingRule[] = []): Router {
  const known = new Set<string>([...DOMAINS, ...rules.map((rule) => rule.domain)]);
  const own = rules.map((rule) => ({
    ...rule,
    program: rule.program?.toLowerCase(),
    facility: rule.facility?.toLowerCase(),
  }));
  return {
    isKnown: (domain) => known.has(domain),
    domainOf(event) {
      const program = programKey(event.program);
      const facility = event.facility?.toLowerCase();
      for (const rule of own) {
        if (rule.program !== undefined && rule.program !== program) continue;
        if (rule.facility !== undefined && rule.facility !== facility) continue;
        if (rule.contains !== undefined && !event.message.includes(rule.contains)) continue;
        return rule.domain;
      }
      return defaultDomain(program, facility, event.message);
    },
  };
}

function defaultDomain(
  program: string | undefined,
  facility: string | undefined,
  message: string,
): string {
  if (program === 'kernel' || (program === undefined && facility === 'kern'))
    return kernelDomain(message);
  const found = program === undefined ? undefined : byProgram.get(program);
  if (found !== undefined) return found;
  // banIP and its kind add the version or the instance to their name.
  if (program !== undefined) {
    const stem = /^[a-z_]+(?:\d(?=$|[^a-z0-9]))?/.exec(program)?.[0];
    const byStem = stem === undefined ? undefined : byProgram.get(stem);
    if (byStem !== undefined) return byStem;
  }
  return (facility === undefined ? undefined : FACILITIES[facility]) ?? 'system';
}

function kernelDomain(message: string): string {
  const text =
    message.length > ingestLimits.routedChars
      ? message.slice(0, ingestLimits.routedChars)
      : message;
  for (const [pattern, domain] of KERNEL) if (pattern.test(text)) return domain;
  return 'system';
}

function programKey(program: string | undefined): string | undefined {
  if (program === undefined) return undefined;
  const lower = program.toLowerCase();
  return lower.charCodeAt(0) === 47 ? lower.slice(lower.lastIndexOf('/') + 1) : lower;
}

/** One fault of a routing file; `index` is the rule's place in the list, -1 for the file as a whole. */
export interface RoutingFault {
  index: number;
  message: string;
}

export type CheckedRouting =
  | { ok: true; rules: RoutingRule[] }
  | { ok: false; errors: RoutingFault[] };

const CONDITIONS = ['program', 'facility', 'contains'] as const;

/** Checks the text of a routing file: `[{program?, facility?, contains?, domain}]`. Never throws. */
export function checkRouting(text: string): CheckedRouting {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return whole(`is not JSON: ${why}`);
  }
  if (!Array.isArray(list)) return whole('must be a JSON list of rules');
  if (list.length > ingestLimits.routingRules)
    return whole(`has ${list.length} rules; at most ${ingestLimits.routingRules}`);
  const errors: RoutingFault[] = [];
  const rules: RoutingRule[] = [];
  for (const [index, entry] of list.entries()) {
    const rule = checkRule(entry, (message) => {
      if (errors.length < ingestLimits.routingFaults) errors.push({ index, message });
    });
    if (rule !== undefined) rules.push(rule);
  }
  return errors.length > 0 ? { ok: false, errors } : { ok: true, rules };
}

function whole(message: string): CheckedRouting {
  return { ok: false, errors: [{ index: -1, message }] };
}

function checkRule(entry: unknown, fault: (message: string) => void): RoutingRule | undefined {
  if (!isPlainObject(entry)) {
    fault('must be an object {program?, facility?, contains?, domain}');
    return undefined;
  }
  const { domain } = entry;
  if (typeof domain !== 'string' || !TOKEN.test(domain)) {
    fault('domain: must be 1 to 64 of A-Z a-z 0-9 _ -');
    return undefined;
  }
  const rule: RoutingRule = { domain };
  let sound = true;
  for (const [key, value] of Object.entries(entry)) {
    if (key === 'domain') continue;
    const condition = CONDITIONS.find((name) => name === key);
    if (condition === undefined) {
      fault(`unknown field ${JSON.stringify(key.slice(0, 64))}`);
      sound = false;
    } else if (typeof value !== 'string' || value === '' || value.length > 255) {
      fault(`${key}: must be a text of 1 to 255 characters`);
      sound = false;
    } else rule[condition] = value;
  }
  if (sound && Object.keys(rule).length === 1) {
    fault('needs at least one of program, facility, contains');
    return undefined;
  }
  return sound ? rule : undefined;
}
