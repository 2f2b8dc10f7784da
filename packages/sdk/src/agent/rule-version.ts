/** Remembers the version of each rule in force: a busy rule makes thousands of findings. */
import type { Rule } from '@opmas/protocol';
import { ruleVersion } from '@opmas/rules';

const versions = new WeakMap<Rule, string>();

/** `ruleVersion` of a compiled rule, which never changes. */
export function knownVersion(rule: Rule): string {
  let version = versions.get(rule);
  if (version === undefined) {
    version = ruleVersion(rule);
    versions.set(rule, version);
  }
  return version;
}
