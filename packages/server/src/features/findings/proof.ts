/** Proves a finding: its event as recorded, the rule that matched it, what ran that rule; and runs it again. */
import { isPlainObject, type Rule } from '@opmas/protocol';
import { ruleVersion } from '@opmas/rules';
import type { Executor, RecordedEvents } from '../../platform/ports.ts';
import type { Trials } from '../rules/index.ts';
import type { FindingRow } from './findings.store.ts';
import type { Proof } from './proof.schemas.ts';
import { findEvent, from, type RecordedEvent } from './recorded-event.ts';

/** Where a version of a rule may be found, the likeliest first. */
export interface KnownRules {
  from: 'in_force' | 'package' | 'earlier_configuration';
  rules: readonly Rule[];
}

/** How long before its arrival an event may have been stored: clocks of one machine, and a little room. */
const BEFORE_MS = 60_000;
/** How long after the finding was stored its events are looked for. */
const AFTER_MS = 1_000;

export function createProofs(options: {
  trials: Trials;
  recorded: RecordedEvents;
  /** Of an agent that is there; nothing for one that is gone. */
  rulesOf(db: Executor, agentId: string): AsyncIterable<KnownRules>;
}) {
  const { trials, recorded } = options;

  async function findRule(db: Executor, row: FindingRow): Promise<Proof['rule']> {
    const { rule_id, rule_version } = row.details;
    if (typeof rule_id !== 'string') return null;
    const version = typeof rule_version === 'string' ? rule_version : '';
    for await (const known of options.rulesOf(db, row.agent_id)) {
      const rule = known.rules.find((one) => one.id === rule_id && ruleVersion(one) === version);
      if (rule !== undefined) return { rule_id, version, from: known.from, document: rule };
    }
    return { rule_id, version, from: null, document: null };
  }

  /** Was it told again? Undefined: the bounds were reached before. */
  async function again(
    row: FindingRow,
    rule: Rule,
    event: RecordedEvent,
    eventId: string,
  ): Promise<boolean | undefined> {
    const watch = { rule_id: rule.id, event_id: eventId };
    // Whatever it does with what it matches: the question is whether it matches.
    const rules = [{ ...rule, action: 'alert', examples: {} }];
    const { window } = row.details;
    if (!isPlainObject(window)) {
      const only = { data: Buffer.from(event.json) };
      const messages = (async function* () {
        yield [only];
      })();
      const source = { messages, last: undefined };
      const { result, stopped } = await trials.run({ rules, inForce: undefined, watch, source });
      if (result === undefined || stopped !== null) return undefined;
      return result.watched !== null;
    }
    const first = String(window['first_event_id']);
    const begin = Date.parse(String(window['first_at']));
    if (Number.isNaN(begin)) return undefined;
    const until = row.timestamp.getTime();
    const range = { from: earlier(begin), to: row.recorded_at.getTime() + AFTER_MS };
    const messages = from(first, recorded.between([], range));
    const source = { messages, last: undefined };
    const { result, stopped } = await trials.run({
      rules,
      inForce: undefined,
      watch,
      until,
      source,
    });
    if ((result?.watched ?? null) !== null) return true;
    return stopped === null && result !== undefined && result.events > 0 ? false : undefined;
  }

  return {
    /** @throws {OpmasError} OPMAS_UNAVAILABLE, OPMAS_TIMEOUT as trials do; {BusError} without the broker */
    async prove(db: Executor, row: FindingRow): Promise<Proof> {
      const rule = await findRule(db, row);
      const eventId = row.details['event_id'];
      const stored =
        typeof eventId === 'string' ? await findEvent(recorded, eventId, rangeOf(row)) : undefined;
      const answer = {
        finding_id: row.finding_id,
        made_by: {
          agent_id: row.agent_id,
          agent_name: row.agent_name,
          agent_version: row.agent_version,
          package_digest: row.package_digest,
          config_hash: row.config_hash,
        },
        rule,
        event: typeof eventId === 'string' ? { event_id: eventId, recorded: stored ?? null } : null,
      };
      const say = (verdict: Proof['verdict'], explanation: string): Proof => ({
        ...answer,
        verdict,
        explanation,
      });
      if (rule === null || typeof eventId !== 'string') {
        return say('not_by_rule', 'Code of the agent made it, or it does not say which rule did');
      }
      const { rule_id, version, document } = rule;
      if (document === null) {
        return say('rule_gone', `No configuration known has version ${version} of rule ${rule_id}`);
      }
      if (stored === undefined) {
        return say('event_gone', `The event ${eventId} is not among the recorded ones (any more)`);
      }
      switch (await again(row, document, stored, eventId)) {
        case true:
          return say('same', `Rule ${rule_id}, run again on what was recorded, tells the same`);
        case false:
          return say('not_same', `Rule ${rule_id}, run again on what was recorded, tells nothing`);
        case undefined:
          return say(
            'not_decided',
            'Not all events of its window are kept, or there are too many to read',
          );
      }
    },
  };
}

export type Proofs = ReturnType<typeof createProofs>;

/** Where the event must lie, if it is kept: it was stored before its finding was. */
function rangeOf(row: FindingRow): { from: number; to: number } {
  const { event, window } = row.details;
  const times = [
    isPlainObject(event) ? event['received_at'] : undefined,
    isPlainObject(window) ? window['last_at'] : undefined,
    isPlainObject(event) ? event['timestamp'] : undefined,
  ];
  const to = row.recorded_at.getTime() + AFTER_MS;
  const came = times.map((time) => Date.parse(String(time))).find((time) => time < to);
  return { from: earlier(Math.min(came ?? to, to)), to };
}

/** Times are what an agent said: the broker is asked for none before there were brokers. */
function earlier(time: number): number {
  return Math.max(0, time - BEFORE_MS);
}
