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
  it('reports a process killed for lack of memory', async () => {
    const message =
      '[91203.112] Out of memory: Killed process 1234 (dnsmasq) total-vm:10340kB, anon-rss:8100kB';
    await h.emit('logs.health', { message, program: 'kernel' });
    expect(h.findings).toMatchObject([
      { severity: 'critical', details: { rule_id: 'kernel-out-of-memory', event: { message } } },
    ]);
  });

  it.each([
    ['procd', '- init complete -'],
    ['crond', 'USER root pid 2345 cmd /usr/bin/true'],
    ['kernel', '[    6.200] VFS: Mounted root (squashfs filesystem) readonly on device 31:5.'],
    ['kernel', '[   22.801] jffs2_scan_eraseblock(): End of filesystem marker found at 0x0'],
    ['ntpd', 'setting time to 2025-05-27 12:00:00.000000 (offset +0.000000s)'],
    ['mount_root', 'mount_root: switching to jffs2 overlay'],
  ])('finds nothing in the normal line of %s: %s', async (program, message) => {
    expect(await h.emit('logs.system', { message, program })).toBe('acked');
    expect(h.findings).toEqual([]);
  });

  it('reports each example of its rules under the rule that promises it', async () => {
    const promised: string[] = [];
    for (const rule of plain) {
      for (const line of linesOf(rule)) {
        const { event_id: _, ...event } = exampleEvent(rule, line);
        expect(await h.emit('logs.health', event)).toBe('acked');
        promised.push(rule.id);
      }
    }
    const told = h.findings.filter(({ details }) => !('window' in details));
    expect(told.map((finding) => finding.details.rule_id)).toEqual(promised);
  });

  it('makes no second finding of a redelivered event', async () => {
    const [rule] = plain;
    await h.emit('logs.health', { message: rule === undefined ? '' : (linesOf(rule)[0] ?? '') });
    await h.redeliver();
    expect(h.findings).toHaveLength(1);
  });
});
