/** The message of an event that is given up: whole where it fits, with the error beside it. */
import { type DeadLetter, limits as wire } from '@opmas/protocol';
import { type Clock, isoTime } from '../clock.ts';
import { limits } from '../limits.ts';
import type { DeadEvent } from './worker.ts';

export function deadLetterOf(
  dead: DeadEvent,
  agent: { agentId: string; agentName: string; clock: Clock },
): DeadLetter {
  return {
    agent_id: agent.agentId,
    agent_name: agent.agentName,
    topic: dead.topic,
    event: fitting(dead.event),
    error: dead.error.slice(0, 4_096),
    deliveries: Math.max(1, dead.deliveries),
    timestamp: isoTime(agent.clock),
  };
}

/** An event is at most 1 MB by contract; anything larger is kept as the beginning of its text. */
function fitting(event: unknown): unknown {
  if (typeof event === 'string') return event.slice(0, limits.deadLetterChars);
  const text = JSON.stringify(event) ?? 'null';
  if (Buffer.byteLength(text) <= wire.eventBytes) return event;
  return { truncated: true, text: text.slice(0, limits.deadLetterChars) };
}
