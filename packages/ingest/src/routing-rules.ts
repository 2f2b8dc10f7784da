/** A user's routing rules: what they may say, and every fault of those that say something else. */
import { isPlainObject, TOKEN } from '@opmas/protocol';
import { ingestLimits } from './limits.ts';

/** A user's rule: every condition given must hold. Names regardless of case, `contains` as written. */
export interface RoutingRule {
  program?: string;
  facility?: string;
  contains?: string;
  domain: string;
}

/** One fault of a routing file; `index` is the rule's place in the list, -1 for the file as a whole. */
export interface RoutingFault {
  index: number;
  message: string;
}

export type CheckedRouting =
  | { ok: true; rules: RoutingRule[] }
  | { ok: false; errors: RoutingFault[] };

const CONDITIONS = ['program', 'facility', 'contains'] as const;

/** Checks the text of a routing file: `[{program?, facility?, contains?, domain}]`. Never throws. */
export function checkRouting(text: string): CheckedRouting {
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return whole(`is not JSON: ${why}`);
  }
  if (!Array.isArray(list)) return whole('must be a JSON list of rules');
  if (list.length > ingestLimits.routingRules)
    return whole(`has ${list.length} rules; at most ${ingestLimits.routingRules}`);
  const errors: RoutingFault[] = [];
  const rules: RoutingRule[] = [];
  for (const [index, entry] of list.entries()) {
    const rule = checkRule(entry, (message) => {
      if (errors.length < ingestLimits.routingFaults) errors.push({ index, message });
    });
    if (rule !== undefined) rules.push(rule);
  }
  return errors.length > 0 ? { ok: false, errors } : { ok: true, rules };
}

function whole(message: string): CheckedRouting {
  return { ok: false, errors: [{ index: -1, message }] };
}

function checkRule(entry: unknown, fault: (message: string) => void): RoutingRule | undefined {
  if (!isPlainObject(entry)) {
    fault('must be an object {program?, facility?, contains?, domain}');
    return undefined;
  }
  const { domain } = entry;
  if (typeof domain !== 'string' || !TOKEN.test(domain)) {
    fault('domain: must be 1 to 64 of A-Z a-z 0-9 _ -');
    return undefined;
  }
  const rule: RoutingRule = { domain };
  let sound = true;
  for (const [key, value] of Object.entries(entry)) {
    if (key === 'domain') continue;
    const condition = CONDITIONS.find((name) => name === key);
    if (condition === undefined) {
      fault(`unknown field ${JSON.stringify(key.slice(0, 64))}`);
      sound = false;
    } else if (typeof value !== 'string' || value === '' || value.length > 255) {
      fault(`${key}: must be a text of 1 to 255 characters`);
      sound = false;
    } else rule[condition] = value;
  }
  if (sound && Object.keys(rule).length === 1) {
    fault('needs at least one of program, facility, contains');
    return undefined;
  }
  return sound ? rule : undefined;
}
