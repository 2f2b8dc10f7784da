/** What is done with a match, by the rule's `action`. */
import { type Fault, isPlainObject, type LogEvent } from '@opmas/protocol';
import type { Firing, Match } from '@opmas/rules';
import { AgentError } from '../errors.ts';
import { limits } from '../limits.ts';

/** A match as agents see it: with `window` when the rule counts over time. */
export type AgentMatch = Match & { window?: Firing['window'] };

/**
 * Does what a custom action means. Awaited before the event is done; a rejection brings the event again, so it
 * may run more than once for one match.
 */
export type ActionHandler = (match: AgentMatch, event: LogEvent) => void | Promise<void>;

const WEBHOOK = /^webhook:[A-Za-z0-9_-]{1,56}$/;
const NAME = /^[a-z][a-z0-9_-]{0,63}$/;

/** Actions every agent knows. */
export const ACTIONS = ['alert', 'log'] as const;

/** Is a finding published? The server routes those of `webhook:<channel>` to their channel. */
export function publishes(action: string): boolean {
  return action === 'alert' || WEBHOOK.test(action);
}

export class Actions {
  readonly #handlers = new Map<string, ActionHandler>();

  /** @throws {AgentError} OPMAS_INVALID_REQUEST for a name that is taken, or none */
  register(name: string, handler: ActionHandler): void {
    const known = this.#handlers.has(name) || ACTIONS.some((action) => action === name);
    if (known || !NAME.test(name) || this.#handlers.size >= limits.actions) {
      const why = known
        ? 'is taken'
        : NAME.test(name)
          ? `is one too many: an agent has at most ${limits.actions}`
          : 'is no name: a to z, 0 to 9, _ and -, beginning with a letter';
      throw new AgentError('OPMAS_INVALID_REQUEST', `the action ${JSON.stringify(name)} ${why}`);
    }
    this.#handlers.set(name, handler);
  }

  handler(action: string): ActionHandler | undefined {
    return this.#handlers.get(action);
  }

  /** Rules of a configuration whose action nobody knows. */
  faults(document: Record<string, unknown>): Fault[] {
    const rules: unknown = document['rules'];
    if (!Array.isArray(rules)) return [];
    const faults: Fault[] = [];
    for (const [index, rule] of rules.entries()) {
      const action: unknown = isPlainObject(rule) ? rule['action'] : undefined;
      if (typeof action !== 'string' || action === 'log' || publishes(action)) continue;
      if (this.#handlers.has(action)) continue;
      const known = [...ACTIONS, 'webhook:<channel>', ...this.#handlers.keys()].join(', ');
      faults.push({
        path: `rules.${index}.action`,
        message: `${JSON.stringify(action)} is no action of this agent: ${known}`,
      });
    }
    return faults;
  }
}
