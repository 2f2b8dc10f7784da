/** Which domain a line of each known sender goes to, and how users change that. */
import { describe, expect, it } from 'vitest';
import { createRouter } from './routing.ts';
import { checkRouting } from './routing-rules.ts';
import { parseSyslog } from './syslog.ts';

const router = createRouter();
const domainOf = (text: string) => router.domainOf(parseSyslog(text, Date.UTC(2026, 10, 21)));

describe('the default table', () => {
  it.each([
    ['auth', "dropbear[1]: Bad password attempt for 'root' from 203.0.113.9:40022"],
    ['auth', 'sshd[1]: Failed password for root'],
    ['auth', 'sshd-session[1]: Failed password for root'],
    ['auth', 'sudo: root : TTY=pts/0'],
    ['auth', '/bin/login[1]: invalid password'],
    ['auth', 'uhttpd[1]: luci: failed login on / for root from 192.168.1.5'],
    ['security', 'fw4: rule dropped'],
    ['security', 'banIP-1.0.0[1]: add IP'],
    ['security', 'snort[1]: [1:1:1] alert'],
    ['wifi', 'hostapd: wlan0: AP-STA-DISCONNECTED aa:bb:cc:dd:ee:ff'],
    ['wifi', 'wpa_supplicant[1]: CTRL-EVENT-DISCONNECTED'],
    ['connectivity', 'dnsmasq-dhcp[1]: DHCPACK(br-lan) 192.168.1.2'],
    ['connectivity', "netifd: Interface 'wan' is now down"],
    ['connectivity', 'pppd[1]: LCP terminated by peer'],
    ['connectivity', 'openvpn(wan)[1]: TLS Error'],
    ['connectivity', 'mwan3-hotplug[1]: Execute ifdown'],
    ['health', 'procd: Instance x::y s in a crash loop'],
    ['system', 'cron[1]: (root) CMD (x)'],
    ['system', 'something-else[1]: x'],
    ['security', 'kernel: [ 1.5] DROP wan in: IN=eth1 OUT= MAC= SRC=203.0.113.9 DST=1.2.3.4'],
    ['security', 'kernel: reject wan in: IN=pppoe-wan OUT=br-lan SRC=203.0.113.9'],
    ['connectivity', 'kernel: [ 1.5] IPv6: ADDRCONF(NETDEV_CHANGE): wlan0: link becomes ready'],
    ['connectivity', 'kernel: [ 1.5] mtk_soc_eth 1e100000.ethernet eth0: Link is Down'],
    ['connectivity', 'kernel: [ 1.5] br-lan: port 2(wlan0) entered forwarding state'],
    ['connectivity', 'kernel: [ 1.5] NETDEV WATCHDOG: eth0 (mtk): transmit queue 0 timed out'],
    ['health', 'kernel: [ 1.5] Out of memory: Killed process 1234 (uhttpd)'],
    ['health', 'kernel: [ 1.5] Kernel panic - not syncing: Fatal exception'],
    ['health', 'kernel: [ 1.5] blk_update_request: I/O error, dev sda, sector 2048'],
    ['health', 'kernel: [ 1.5] EXT4-fs (sda1): error count since last fsck: 4'],
    ['wifi', 'kernel: [ 1.5] ath10k_pci 0000:01:00.0: firmware crashed!'],
    ['wifi', 'kernel: [ 1.5] mt76x2e 0000:01:00.0: MCU message 31 timed out'],
    ['wifi', 'kernel: [ 1.5] ieee80211 phy0: Hardware restart was requested'],
    ['system', 'kernel: [ 1.5] usb 1-1: new high-speed USB device'],
  ])('%s: %s', (domain, text) => {
    expect(domainOf(`<13>Nov 21 08:14:49 ap ${text}`)).toBe(domain);
  });

  it('goes by facility when the program says nothing', () => {
    expect(domainOf('<86>Nov 21 08:14:49 ap x-unknown: y')).toBe('auth');
    expect(domainOf('<38>Nov 21 08:14:49 ap no tag')).toBe('auth');
    expect(domainOf('<4>Out of memory: Killed process 1')).toBe('health');
    expect(domainOf('')).toBe('system');
  });
});

describe('the rules of a user', () => {
  it('come first, in their order, and every condition must hold', () => {
    const own = createRouter([
      { program: 'Dropbear', contains: 'Exit', domain: 'noise' },
      { facility: 'local3', domain: 'voip' },
      { program: 'kernel', domain: 'kernel' },
    ]);
    expect(own.domainOf({ program: 'dropbear', message: 'Exit before auth' })).toBe('noise');
    expect(own.domainOf({ program: '/usr/sbin/dropbear', message: 'Exit' })).toBe('noise');
    expect(own.domainOf({ program: 'dropbear', message: 'exit' })).toBe('auth');
    expect(own.domainOf({ program: 'asterisk', facility: 'local3', message: '' })).toBe('voip');
    expect(own.domainOf({ program: 'kernel', message: 'Out of memory' })).toBe('kernel');
    expect([own.isKnown('voip'), own.isKnown('wifi'), own.isKnown('other')]).toEqual([
      true,
      true,
      false,
    ]);
  });

  it('are checked with every fault and its place', () => {
    const text = JSON.stringify([
      { program: 'x', domain: 'ok' },
      { domain: 'alone' },
      { program: 'x', domain: 'a.b' },
      'text',
      { program: '', contans: 'y', domain: 'd' },
      { facility: 7, domain: 'd' },
    ]);
    expect(checkRouting(text)).toEqual({
      ok: false,
      errors: [
        { index: 1, message: 'needs at least one of program, facility, contains' },
        { index: 2, message: 'domain: must be 1 to 64 of A-Z a-z 0-9 _ -' },
        { index: 3, message: 'must be an object {program?, facility?, contains?, domain}' },
        { index: 4, message: 'program: must be a text of 1 to 255 characters' },
        { index: 4, message: 'unknown field "contans"' },
        { index: 5, message: 'facility: must be a text of 1 to 255 characters' },
      ],
    });
  });

  it.each([
    ['{', /^is not JSON/],
    ['{}', /^must be a JSON list/],
    [
      JSON.stringify(Array(1001).fill({ program: 'x', domain: 'd' })),
      /^has 1001 rules; at most 1000/,
    ],
  ])('refuses a file that is no list of rules', (text, message) => {
    const checked = checkRouting(text);
    expect(checked).toMatchObject({ ok: false, errors: [{ index: -1 }] });
    expect(checked.ok ? '' : checked.errors[0]?.message).toMatch(message);
  });
});
