/** A large rule pack as an operator might have it: four of five rules are substrings, the fifth an expression. */
import type { Rule } from '@opmas/protocol';
import { type Random, seeded } from './random.ts';

export interface SampledRule {
  rule: Rule;
  /** A message that this rule matches, and no other of the pack. */
  sample: string;
}

const SUBJECTS = ['login', 'session', 'tunnel', 'lease', 'route', 'firmware', 'probe'] as const;
const FAULTS = ['rejected', 'flapping', 'spoofed', 'exhausted', 'revoked', 'overrun'] as const;
const PLACES = ['uplink', 'guest', 'backhaul', 'core', 'edge', 'mgmt'] as const;

/** `count` rules; the same for the same count. */
export function rulePack(count: number): SampledRule[] {
  const random = seeded(7);
  return Array.from({ length: count }, (_, index) => {
    const id = index.toString(36).padStart(3, '0');
    return index % 5 === 4 ? expression(id, random) : substring(id, random);
  });
}

function substring(id: string, random: Random): SampledRule {
  const subject = random.pick(SUBJECTS);
  const place = random.pick(PLACES);
  const pattern = random.pick([
    `${subject} ${random.pick(FAULTS)} for svc-${id} on ${place}`,
    `${place}-${id}: ${subject} ${random.pick(FAULTS)}`,
    `E${id.toUpperCase()}X ${subject} ${random.pick(FAULTS)}`,
  ]);
  return { rule: rule(id, 'substring', pattern), sample: `${pattern} since 03:14` };
}

function expression(id: string, random: Random): SampledRule {
  const subject = random.pick(SUBJECTS);
  const fault = random.pick(FAULTS);
  const [pattern, sample] = random.pick([
    [
      `${subject} ${fault} by user\\d+ at site-${id} \\((?<why>[a-z ]+)\\)`,
      `${subject} ${fault} by user17 at site-${id} (bad key)`,
    ],
    [
      `site-${id}: (?:${subject}|backup) ${fault} \\d{1,4} times`,
      `site-${id}: ${subject} ${fault} 42 times`,
    ],
    [
      `(?<peer>\\d+\\.\\d+\\.\\d+\\.\\d+) ${fault} ${subject} via zone-${id}`,
      `203.0.113.9 ${fault} ${subject} via zone-${id}`,
    ],
  ]);
  return { rule: rule(id, 'regex', pattern), sample };
}

function rule(id: string, kind: 'substring' | 'regex', pattern: string): Rule {
  const name = `Benchmark rule ${id}`;
  return {
    id: `bench-${id}`,
    name,
    kind,
    pattern,
    type: 'bench',
    severity: 'warning',
    action: 'alert',
  };
}
