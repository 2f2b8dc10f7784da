/** Names the version of a rule that made a finding. */
import { createHash } from 'node:crypto';
import { canonicalJson, type Rule } from '@opmas/protocol';

/**
 * Twelve hex digits that change whenever what the rule matches or reports changes; `examples` and
 * `references` do not count. SHA-256 of the rule's canonical JSON.
 * @example ruleVersion(rule) // '3f9a0c41b2d7'
 */
export function ruleVersion(rule: Rule): string {
  const { examples: _examples, references: _references, ...rest } = rule;
  return createHash('sha256').update(canonicalJson(rest)).digest('hex').slice(0, 12);
}
