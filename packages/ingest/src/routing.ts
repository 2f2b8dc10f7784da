/** Which domain a log line belongs to: by program, by facility, and for the kernel by what it says. */
import { DOMAINS } from '@opmas/protocol';
import { ingestLimits } from './limits.ts';
import type { RoutingRule } from './routing-rules.ts';
import { FACILITIES, KERNEL, PROGRAMS } from './routing-table.ts';

/** What routing looks at; any part may be missing. */
export interface Routable {
  program?: string | undefined;
  facility?: string | undefined;
  message: string;
}

export interface Router {
  /** The domain of `event`: the user's rules first, then the default table, else `system`. */
  domainOf(event: Routable): string;
  /** Is `domain` built in, or named by a rule? */
  isKnown(domain: string): boolean;
}

const byProgram = new Map(
  Object.entries(PROGRAMS).flatMap(([domain, names]) =>
    names.map((name) => [name, domain] as const),
  ),
);

/** A router with `rules` in front of the default table; the rules must have passed `checkRouting`. */
export function createRouter(rules: readonly RoutingRule[] = []): Router {
  const known = new Set<string>([...DOMAINS, ...rules.map((rule) => rule.domain)]);
  const own = rules.map((rule) => ({
    ...rule,
    program: rule.program?.toLowerCase(),
    facility: rule.facility?.toLowerCase(),
  }));
  return {
    isKnown: (domain) => known.has(domain),
    domainOf(event) {
      const program = programKey(event.program);
      const facility = event.facility?.toLowerCase();
      for (const rule of own) {
        if (rule.program !== undefined && rule.program !== program) continue;
        if (rule.facility !== undefined && rule.facility !== facility) continue;
        if (rule.contains !== undefined && !event.message.includes(rule.contains)) continue;
        return rule.domain;
      }
      return defaultDomain(program, facility, event.message);
    },
  };
}

function defaultDomain(
  program: string | undefined,
  facility: string | undefined,
  message: string,
): string {
  if (program === 'kernel' || (program === undefined && facility === 'kern'))
    return kernelDomain(message);
  const found = program === undefined ? undefined : byProgram.get(program);
  if (found !== undefined) return found;
  // banIP and its kind add the version or the instance to their name.
  if (program !== undefined) {
    const stem = /^[a-z_]+(?:\d(?=$|[^a-z0-9]))?/.exec(program)?.[0];
    const byStem = stem === undefined ? undefined : byProgram.get(stem);
    if (byStem !== undefined) return byStem;
  }
  return (facility === undefined ? undefined : FACILITIES[facility]) ?? 'system';
}

function kernelDomain(message: string): string {
  const text =
    message.length > ingestLimits.routedChars
      ? message.slice(0, ingestLimits.routedChars)
      : message;
  for (const [pattern, domain] of KERNEL) if (pattern.test(text)) return domain;
  return 'system';
}

function programKey(program: string | undefined): string | undefined {
  if (program === undefined) return undefined;
  const lower = program.toLowerCase();
  return lower.charCodeAt(0) === 47 ? lower.slice(lower.lastIndexOf('/') + 1) : lower;
}
