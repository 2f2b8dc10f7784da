/** The rules of the guide do what it says of them. */
import { readFileSync } from 'node:fs';
import type { LogEvent, Rule } from '@opmas/protocol';
import { expect, it } from 'vitest';
import { compileRules, Windows } from '../index.ts';

const START = Date.UTC(2026, 0, 1);
const guide = readFileSync(new URL('../../../../docs/guides/rules.md', import.meta.url), 'utf8');
const rules = [...guide.matchAll(/```json\n(.*?)```/gs)].map(
  ([, text]): Rule => JSON.parse(text ?? ''),
);

const times = (count: number, message: (n: number) => string) =>
  Array.from({ length: count }, (_, n) => message(n));
const device = (n: number) => `Network device 'eth${n % 2}' link is`;

/** What is heard, a second apart; the last message completes the window, or silence follows it. */
const stories: Record<string, string[]> = {
  'ssh-brute-force': times(5, (n) => `Bad password attempt for 'root' from 203.0.113.9:${n}`),
  'port-scan': times(
    10,
    (n) => `reject wan in: IN=eth1 SRC=203.0.113.9 DST=198.51.100.2 PROTO=TCP DPT=${20 + n} SYN`,
  ),
  'link-flapping': times(6, (n) => `${device(0)} ${n % 2 === 0 ? 'down' : 'up'}`),
  'dhcp-unanswered': ['DHCPDISCOVER(br-lan) 02:00:5e:10:00:01'],
  'host-silent': ['anything'],
};

it('has an example of each kind', () => {
  const kinds = rules.map(({ kind }) => kind);
  expect(kinds).toEqual(['regex', 'threshold', 'distinct', 'sequence', 'absence', 'absence']);
});

it.each(rules.map((rule): [string, Rule] => [rule.id, rule]))('%s', (id, rule) => {
  const compiled = compileRules([rule]);
  expect(compiled.errors).toEqual([]);
  const story = stories[id];
  if (!compiled.ok || story === undefined) return;
  const windows = new Windows({ kept: false });
  windows.adopt(compiled.ruleset);
  const told: string[] = [];
  for (const [n, message] of story.entries()) {
    const at = new Date(START + n * 1_000).toISOString();
    const event: LogEvent = {
      event_id: `e${n}`,
      timestamp: at,
      received_at: at,
      type: 'system',
      host: 'ap-1',
      message,
    };
    const found = windows.settleMatches(compiled.ruleset.match(event), event, START);
    told.push(...found.map(() => message));
  }
  if (rule.kind === 'absence') {
    expect(told).toEqual([]);
    expect(windows.due(START + 3_600_000)).toHaveLength(1);
  } else expect(told).toEqual([story.at(-1)]);
});
