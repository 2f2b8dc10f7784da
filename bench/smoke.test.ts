/** The benchmarks of rules and of the agent's step run, and measure what they say, at the smallest size. */
import { expect, test } from 'vitest';
import { ruleMatching } from './b1-rules.ts';
import { agentStep } from './b2-agent-step.ts';
import type { BenchOptions } from './lib/options.ts';
import { describe as described, type Report } from './lib/report.ts';

const SMALL: BenchOptions = {
  only: [],
  peers: false,
  verify: false,
  seconds: 0.02,
  json: undefined,
  rules: 100,
  rounds: 1,
};

function names({ figures }: Report): string[] {
  for (const { name, value } of figures) expect(value, name).toBeGreaterThan(0);
  return figures.map(({ name }) => name);
}

test('B1 matches with both scans, and sets them against the loop', async () => {
  const report = await ruleMatching(SMALL);
  expect(names(report)).toEqual([
    expect.stringContaining('webassembly'),
    expect.stringContaining('typescript'),
    expect.stringContaining('webassembly'),
    expect.stringContaining('typescript'),
    'time of 100 rules against 10',
    'against the loop of the specification, 100 rules',
  ]);
  expect(described(report)[0]).toContain('B1');
});

test('B2 finds the same with all events validated, parsed and payload first, and has windows beside a loop', async () => {
  const report = await agentStep(SMALL);
  expect(names(report)).toHaveLength(10);
  expect(report.title).toContain('1,000 events');
  expect(described(report).join('\n')).toContain('windows');
});
