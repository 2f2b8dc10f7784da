/** The agent's step as the specification writes it down, in this language: what ours is compared with. */
import { randomUUID } from 'node:crypto';
import type { LogEvent, Rule } from '@opmas/protocol';
import { type CountRule, plainWindow } from './plain-windows.ts';

const REQUIRED = ['event_id', 'timestamp', 'type', 'message'] as const;
const SENSITIVE = ['password', 'token', 'secret', 'key'] as const;

export interface PlainAgent {
  /** Works one message of one event; gives the findings to `publish` as JSON. */
  processEvent(data: Uint8Array): void;
  readonly metrics: { processed: number; seconds: number };
}

/** Regular expressions and windows, which the specification lacks, are tried in the same loop. */
export function plainAgent(rules: readonly Rule[], publish: (json: string) => void): PlainAgent {
  const metrics = { processed: 0, seconds: 0 };
  const ready = rules.map(prepared);
  return {
    metrics,
    processEvent(data) {
      const began = performance.now();
      const event: unknown = JSON.parse(
        Buffer.from(data.buffer, data.byteOffset, data.length).toString(),
      );
      if (!isEvent(event)) return;
      for (const { rule, first, second, window } of ready) {
        const matches = first(event.message);
        const tells =
          window === undefined
            ? matches
            : window(event, { first: matches, second: second?.(event.message) ?? false });
        if (tells) publish(JSON.stringify(findingOf(rule, event)));
      }
      metrics.processed += 1;
      metrics.seconds += (performance.now() - began) / 1000;
    },
  };
}

type Test = (message: string) => boolean;

interface Prepared {
  rule: Rule;
  first: Test;
  second: Test | undefined;
  window: CountRule | undefined;
}

function prepared(rule: Rule): Prepared {
  const { kind, pattern, pattern_kind, followed_by } = rule;
  const isExpression = kind === 'regex' || pattern_kind === 'regex';
  return {
    rule,
    first: testOf(pattern, isExpression),
    second:
      followed_by === undefined
        ? undefined
        : testOf(followed_by.pattern, followed_by.pattern_kind === 'regex'),
    window: plainWindow(rule),
  };
}

function testOf(pattern: string, isExpression: boolean): Test {
  if (!isExpression) return (message) => message.includes(pattern);
  const expression = new RegExp(pattern);
  return (message) => expression.test(message);
}

/** All that the specification asks of an event. */
function isEvent(event: unknown): event is LogEvent {
  return typeof event === 'object' && event !== null && REQUIRED.every((field) => field in event);
}

function findingOf(rule: Rule, event: LogEvent) {
  return {
    finding_id: randomUUID(),
    agent_id: 'bench',
    type: rule.type ?? 'generic_alert',
    severity: rule.severity,
    timestamp: new Date().toISOString(),
    description: `Rule '${rule.name}' matched`,
    details: { event: sanitized(event), rule_id: rule.id, matched_pattern: rule.pattern },
  };
}

function sanitized(event: LogEvent): Record<string, unknown> {
  const copy: Record<string, unknown> = { ...event };
  for (const field of SENSITIVE) if (field in copy) copy[field] = '******';
  return copy;
}
