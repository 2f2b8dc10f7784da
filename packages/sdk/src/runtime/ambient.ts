/**
 * Hands the runtime to an agent whose constructor takes only the specification's three arguments.
 * Construction is synchronous, so the hand-over cannot reach another agent.
 */
import type { AgentRuntime } from './runtime.ts';

let handedOver: AgentRuntime | undefined;

/** Calls `construct`; a BaseAgent made inside, and given no runtime, takes this one. */
export function constructWith<T>(runtime: AgentRuntime, construct: () => T): T {
  const before = handedOver;
  handedOver = runtime;
  try {
    return construct();
  } finally {
    handedOver = before;
  }
}

/** The runtime handed over to the construction under way, if any. */
export function handedOverRuntime(): AgentRuntime | undefined {
  return handedOver;
}
