/** The agent finds what its rules promise, once, and nothing in normal operation. */
import { readFileSync } from 'node:fs';
import { checkExamples, compileRules, exampleEvent } from '@opmas/rules';
import { testAgent } from '@opmas/sdk/testing';
import { afterEach, describe, expect, it } from 'vitest';
import agent from '../agent.ts';

const folder = new URL('..', import.meta.url);
const given: unknown = JSON.parse(readFileSync(new URL('rules.json', folder), 'utf8'));
const compiled = compileRules(given);
if (!compiled.ok) throw new Error(JSON.stringify(compiled.errors));
const { rules } = compiled.ruleset;

/** What a rule promises to match, message by message. */
const linesOf = (rule: (typeof rules)[number]) =>
  (rule.examples?.match ?? []).filter((example) => typeof example === 'string');
/** Rules that tell every line; the others count over time, beside these. */
const counting = new Set(compiled.ruleset.windows.map(({ rule }) => rule));
const plain = rules.filter((rule) => !counting.has(rule));

const harness = () => testAgent(agent, { package: folder });
let h = harness();
afterEach(async () => {
  await h.stop();
  h = harness();
});

describe('rules', () => {
  it('compile without a warning', () => {
    expect(compiled.warnings).toEqual([]);
  });

  it('come out on their own examples, and have some of both kinds', () => {
    expect(checkExamples(rules)).toEqual([]);
    const lacking = rules.filter((r) => !r.examples?.match?.length || !r.examples.no_match?.length);
    expect(lacking).toEqual([]);
  });

  it('do not overlap: a line makes one finding', () => {
    for (const rule of plain) {
      for (const line of linesOf(rule)) {
        const found = compiled.ruleset.match(exampleEvent(rule, line));
        const ids = found
          .filter((match) => plain.includes(match.rule))
          .map(({ rule: { id } }) => id);
        expect(ids, line).toEqual([rule.id]);
      }
    }
  });

  it('are all listed in the README', () => {
    const readme = readFileSync(new URL('README.md', folder), 'utf8');
    expect(rules.filter((rule) => !readme.includes(`| \`${rule.id}\` |`))).toEqual([]);
  });
});

describe('agent', () => {
  it('reports a lost Internet connection', async () => {
    const message = "Interface 'wan' is now down";
    await h.emit('logs.connectivity', { message, program: 'netifd' });
    expect(h.findings).toMatchObject([
      { severity: 'error', details: { rule_id: 'netifd-wan-down', event: { message } } },
    ]);
  });

  it.each([
    ['dnsmasq-dhcp', 'DHCPACK(br-lan) 192.168.1.20 02:00:5e:10:00:07 laptop'],
    ['dnsmasq', 'using nameserver 192.0.2.53#53'],
    ['netifd', "Interface 'wan' is now up"],
    ['netifd', 'wan (2345): udhcpc: sending renew to server 198.51.100.1'],
    ['pppd', 'PAP authentication succeeded'],
    ['kernel', '[   20.002] br-lan: port 1(lan1) entered forwarding state'],
  ])('finds nothing in the normal line of %s: %s', async (program, message) => {
    expect(await h.emit('logs.connectivity', { message, program })).toBe('acked');
    expect(h.findings).toEqual([]);
  });

  it('reports each example of its rules under the rule that promises it', async () => {
    const promised: string[] = [];
    for (const rule of plain) {
      for (const line of linesOf(rule)) {
        const { event_id: _, ...event } = exampleEvent(rule, line);
        expect(await h.emit('logs.connectivity', event)).toBe('acked');
        promised.push(rule.id);
      }
    }
    const told = h.findings.filter(({ details }) => !('window' in details));
    expect(told.map((finding) => finding.details.rule_id)).toEqual(promised);
  });

  it('makes no second finding of a redelivered event', async () => {
    const [rule] = plain;
    await h.emit('logs.connectivity', {
      message: rule === undefined ? '' : (linesOf(rule)[0] ?? ''),
    });
    await h.redeliver();
    expect(h.findings).toHaveLength(1);
  });
});
