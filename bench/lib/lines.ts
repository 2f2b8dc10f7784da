/** Router syslog lines, about 108 characters each; some match one rule and carry a number to follow them by. */
import { limits } from '../limits.ts';
import { type Random, seeded } from './random.ts';
import type { SampledRule } from './rules.ts';

/** Digits of the number a matching line ends with: `ref=0000000042`. */
const DIGITS = 10;
export const MARK = `ref=([0-9]{${DIGITS}})`;

interface Template {
  bytes: Buffer;
  lines: number;
  /** Where the digits of each matching line begin. */
  marks: readonly number[];
}

/** An endless stream in chunks of `limits.chunkLines` lines, of which `matching` match. */
export class LineStream {
  readonly #templates: readonly Template[];
  #next = 0;
  /** Matching lines given so far: their numbers are 0 to `marked` - 1. */
  marked = 0;
  lines = 0;

  constructor(rules: readonly SampledRule[], matching: number, now = new Date()) {
    const random = seeded(11);
    this.#templates = Array.from({ length: limits.chunks }, () =>
      template(rules, matching, random, stampOf(now)),
    );
  }

  /** The next chunk; its bytes are the caller's. */
  chunk(): Buffer {
    const source = this.#templates[this.#next++ % this.#templates.length];
    if (source === undefined) throw new Error('there are no templates');
    const bytes = Buffer.from(source.bytes);
    for (const at of source.marks) {
      bytes.write(String(this.marked++).padStart(DIGITS, '0'), at, 'latin1');
    }
    this.lines += source.lines;
    return bytes;
  }
}

/** One line that matches a rule of `rules`, with number `mark`. */
export function matchingLine(rules: readonly SampledRule[], mark: number, now: Date): string {
  const rule = rules[(mark * 7919) % rules.length];
  return `<36>${stampOf(now)} gw-07 sshd[4021]: ${rule?.sample ?? ''} ref=${String(mark).padStart(DIGITS, '0')}\n`;
}

/** One line that matches nothing. */
export function benignLine(random: Random, now: Date): string {
  return `${benign(random, stampOf(now))}\n`;
}

function template(
  rules: readonly SampledRule[],
  matching: number,
  random: Random,
  stamp: string,
): Template {
  const every = matching === 0 ? Number.POSITIVE_INFINITY : limits.chunkLines / matching;
  const marks: number[] = [];
  let text = '';
  for (let i = 0; i < limits.chunkLines; i++) {
    if ((i + 1) % every === 0) {
      const sample = rules[random.int(rules.length)]?.sample ?? '';
      text += `<36>${stamp} gw-07 sshd[${random.int(30_000)}]: ${sample} ref=`;
      marks.push(text.length);
      text += `${'0'.repeat(DIGITS)}\n`;
    } else text += `${benign(random, stamp)}\n`;
  }
  return { bytes: Buffer.from(text, 'latin1'), lines: limits.chunkLines, marks };
}

function benign(random: Random, stamp: string): string {
  const host = `ap-${10 + random.int(80)}`;
  const ip = `192.168.${random.int(16)}.${1 + random.int(250)}`;
  const mac = `3c:84:6a:${hex(random)}:${hex(random)}:${hex(random)}`;
  const pid = 100 + random.int(30_000);
  return random.pick([
    `<30>${stamp} ${host} dnsmasq-dhcp[${pid}]: DHCPACK(br-lan) ${ip} ${mac} laptop-${random.int(999)} lease 12h renewed`,
    `<30>${stamp} ${host} hostapd[${pid}]: phy0-ap0: STA ${mac} IEEE 802.11: associated (aid ${random.int(64)})`,
    `<30>${stamp} ${host} hostapd[${pid}]: phy1-ap0: AP-STA-CONNECTED ${mac} auth_alg=open keyid=default`,
    `<86>${stamp} ${host} dropbear[${pid}]: Pubkey auth succeeded for 'admin' with ssh-ed25519 key from ${ip}:5${random.int(9999)}`,
    `<78>${stamp} ${host} crond[${pid}]: USER root pid ${random.int(30_000)} cmd /usr/sbin/logrotate /etc/logrotate.conf`,
    `<6>${stamp} ${host} kernel: [${pid}.421337] br-lan: port ${1 + random.int(5)}(phy0-ap0) entered forwarding state`,
    `<29>${stamp} ${host} netifd: Interface 'wan' has link connectivity, carrier up at 1000 Mbps on eth${random.int(4)}`,
    `<30>${stamp} ${host} dnsmasq[${pid}]: query[A] cdn${random.int(999)}.example.net from ${ip}, forwarded to 9.9.9.9`,
  ]);
}

function hex(random: Random): string {
  return random.int(256).toString(16).padStart(2, '0');
}

/** `Nov  7 09:05:01`, in this process's zone, as routers send it. */
function stampOf(time: Date): string {
  const [, month = '', day = '', , clock = ''] = time.toString().split(' ');
  return `${month} ${day.replace(/^0/, ' ')} ${clock}`;
}
