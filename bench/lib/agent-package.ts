/** Writes the benchmark's agent: rules alone, no code, reading every domain. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DOMAINS } from '@opmas/protocol';
import type { SampledRule } from './rules.ts';

export const AGENT_NAME = 'BenchAgent';

/** Returns the package's folder, to be copied into an agents directory. */
export function writeAgentPackage(into: string, rules: readonly SampledRule[]): string {
  const folder = join(into, 'bench_agent');
  mkdirSync(folder, { recursive: true });
  const topics = DOMAINS.map((domain) => `logs.${domain}`).join(',');
  const manifest = [
    `AGENT_NAME=${AGENT_NAME}`,
    'AGENT_VERSION=1.0.0',
    'AGENT_DESCRIPTION=Agent of the benchmarks',
    'AGENT_TYPE=bench',
    `DEFAULT_SUBSCRIBED_TOPICS=${topics}`,
    'DEFAULT_FINDINGS_TOPIC=findings.system',
  ];
  writeFileSync(join(folder, '.env.discovery'), `${manifest.join('\n')}\n`);
  writeFileSync(join(folder, 'rules.json'), JSON.stringify(rules.map(({ rule }) => rule)));
  return folder;
}
