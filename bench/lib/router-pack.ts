/**
 * Rules and lines for the rule engine alone. Both are made of the same messages of sshd, PAM, dropbear,
 * hostapd, dnsmasq, netifd and the kernel, so that most rules begin with what most lines hold: a set whose
 * rules have nothing to do with the traffic would flatter every engine.
 */
import type { Rule } from '@opmas/protocol';
import { limits } from '../limits.ts';
import { type Random, seeded } from './random.ts';

export interface RouterRule {
  rule: Rule;
  /** A message that the rule matches. */
  sample: string;
}

type Make = (word: string, random: Random) => readonly [pattern: string, sample?: string];

/** Four of five rules; the pattern is text. */
const SUBSTRINGS: readonly [Make, ...Make[]] = [
  (w) => [`Failed password for ${w} from`],
  (w) => [`Failed password for invalid user ${w} from`],
  (w) => [`Accepted password for ${w} from`],
  (w) => [`Invalid user ${w} from`],
  (w) => [`session opened for user ${w} by`],
  (w) => [`Bad password attempt for '${w}' from`],
  (w) => [`rhost=${w}.example.net`],
  (w) => [`STA ${w} IEEE 802.11: deauthenticated`],
  (w) => [`AP-STA-POSSIBLE-PSK-MISMATCH ${w}`],
  (w) => [`DHCPDISCOVER(br-${w})`],
  (w) => [`query[A] ${w}.example.com from`],
  (w) => [`Interface '${w}' is now down`],
  (w) => [`port 3(${w}) entered disabled state`],
];

/** The fifth; in the syntax that every engine beside us knows too. */
const EXPRESSIONS: readonly [Make, ...Make[]] = [
  (w) => [
    `Failed password for (?:invalid user )?${w} from \\d+\\.\\d+\\.\\d+\\.\\d+`,
    `Failed password for invalid user ${w} from 203.0.113.9`,
  ],
  (w) => [`DHCP(?:NAK|DECLINE)\\(br-${w}\\)`, `DHCPNAK(br-${w}) 192.168.1.9 lease not found`],
  (w) => [`${w}: link is (?:down|flapping) after \\d+ s`, `${w}: link is flapping after 12 s`],
  (w) => [`user=${w} +attempts=[0-9]+`, `authentication failure user=${w}  attempts=17`],
  (w) => [`STA [0-9a-f:]+ .*reason ${w}`, `STA 3c:84:6a:11:22:33 left, reason ${w}`],
];

/** One rule of forty has no more than a code of four characters. */
const shortOf = (index: number): readonly [string] => [`#${index.toString(36).padStart(3, '0')}`];

const SYLLABLES = 'ba ce di fo gu ha je ki lo mu na pe qui ro su ta ve wi xo zu'.split(' ');
const fifth = 5;
const fortieth = 40;

/** `count` rules; the same for the same count. */
export function routerPack(count: number): RouterRule[] {
  const random = seeded(23);
  return Array.from({ length: count }, (_, index) => {
    const word = wordOf(index, random);
    const expression = index % fifth === fifth - 1;
    const short = index % fortieth === 3;
    const make = random.pick(expression ? EXPRESSIONS : SUBSTRINGS);
    const [pattern, sample = pattern] = short ? shortOf(index) : make(word, random);
    const rule: Rule = {
      id: `router-${index}`,
      name: `Router rule ${index}`,
      kind: expression ? 'regex' : 'substring',
      pattern,
      type: 'bench',
      severity: 'warning',
      action: 'alert',
    };
    return { rule, sample };
  });
}

/** Different for each index, and pronounceable, as names are. */
function wordOf(index: number, random: Random): string {
  let word = '';
  let rest = index;
  do {
    word += SYLLABLES[rest % SYLLABLES.length] ?? '';
    rest = Math.floor(rest / SYLLABLES.length);
  } while (rest > 0);
  return `${word}${SYLLABLES[random.int(SYLLABLES.length)] ?? ''}${random.int(10)}`;
}

/** What a line is made of: a rule's sample for `matching` of 10,000 lines, else what routers say all day. */
export function routerLines(rules: readonly RouterRule[], lines: number, matching = 185): Buffer {
  const random = seeded(41);
  const parts: Buffer[] = [];
  let text = '';
  for (let line = 0; line < lines; line++) {
    const sample =
      random.int(10_000) < matching ? rules[random.int(rules.length)]?.sample : undefined;
    text += `${sample === undefined ? benign(random) : matchingLine(sample, random)}\n`;
    if (text.length < 1 << 16 && line < lines - 1) continue;
    parts.push(Buffer.from(text, 'latin1'));
    text = '';
  }
  return Buffer.concat(parts);
}

/** Lines that hold several literals each, whole, or with the last character changed. */
export function hostileLines(
  rules: readonly RouterRule[],
  kind: 'whole literals' | 'broken literals',
): Buffer {
  const random = seeded(43);
  const plain = rules.filter(({ rule }) => rule.kind === 'substring');
  const lines = Array.from({ length: limits.hostileLines }, () => {
    let line = '';
    while (line.length < 80) {
      const pattern = plain[random.int(plain.length)]?.rule.pattern ?? '';
      line += kind === 'whole literals' ? `${pattern} ` : `${pattern.slice(0, -1)}\x7f `;
    }
    return `${line.slice(0, 108)}\n`;
  });
  return Buffer.from(lines.join(''), 'latin1');
}

/** The batches an agent gets: `limits.chunkLines` lines each. */
export function batchesOf(lines: Buffer): Buffer[] {
  const batches: Buffer[] = [];
  for (let from = 0; from < lines.length; ) {
    let until = from;
    for (let line = 0; line < limits.chunkLines && until < lines.length; line++) {
      const end = lines.indexOf(10, until);
      until = end < 0 ? lines.length : end + 1;
    }
    batches.push(lines.subarray(from, until));
    from = until;
  }
  return batches;
}

function matchingLine(sample: string, random: Random): string {
  return `${stamp(random)} ap-${random.int(80)} daemon[${random.int(30_000)}]: ${sample} at 10.7.${random.int(250)}.${random.int(250)} port ${random.int(65_000)}`;
}

function benign(random: Random): string {
  const pid = 100 + random.int(30_000);
  const ip = `192.168.${random.int(16)}.${1 + random.int(250)}`;
  const mac = `3c:84:6a:${hex(random)}:${hex(random)}:${hex(random)}`;
  const host = `${stamp(random)} ap-${10 + random.int(80)}`;
  const user = random.pick(['root', 'admin', 'ubnt', 'test', 'guest', 'oracle', 'pi']);
  return random.pick([
    `${host} sshd[${pid}]: Failed password for ${user} from ${ip} port ${random.int(65_000)} ssh2`,
    `${host} sshd[${pid}]: Failed password for invalid user ${user} from ${ip} port ${random.int(65_000)} ssh2`,
    `${host} sshd[${pid}]: pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh rhost=${ip}`,
    `${host} sshd[${pid}]: Accepted publickey for ${user} from ${ip} port ${random.int(65_000)} ssh2: ED25519`,
    `${host} crond[${pid}]: pam_unix(crond:session): session opened for user ${user} by (uid=0)`,
    `${host} dropbear[${pid}]: Bad password attempt for '${user}' from ${ip}:${random.int(65_000)}`,
    `${host} hostapd: phy0-ap0: STA ${mac} IEEE 802.11: authenticated, aid ${random.int(64)}`,
    `${host} hostapd: phy1-ap0: STA ${mac} IEEE 802.11: disassociated due to inactivity`,
    `${host} hostapd: phy1-ap0: AP-STA-CONNECTED ${mac} auth_alg=open keyid=default vlan=${random.int(64)}`,
    `${host} dnsmasq-dhcp[${pid}]: DHCPREQUEST(br-lan) ${ip} ${mac} lease renewed 12h`,
    `${host} dnsmasq-dhcp[${pid}]: DHCPACK(br-lan) ${ip} ${mac} laptop-${random.int(999)}`,
    `${host} dnsmasq[${pid}]: query[A] cdn${random.int(999)}.example.com from ${ip}, forwarded to 9.9.9.9`,
    `${host} netifd: Interface 'wan' has link connectivity, carrier up at 1000 Mbps on eth${random.int(4)}`,
    `${host} kernel: [${pid}.421337] br-lan: port ${1 + random.int(5)}(phy0-ap0) entered forwarding state`,
  ]);
}

function stamp(random: Random): string {
  const two = (value: number) => String(value).padStart(2, '0');
  return `<30>Nov ${two(1 + random.int(28))} ${two(random.int(24))}:${two(random.int(60))}:${two(random.int(60))}`;
}

function hex(random: Random): string {
  return random.int(256).toString(16).padStart(2, '0');
}
