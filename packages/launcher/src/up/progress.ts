/** What `up` tells while it works, as data and as a line for people. */
import type { ChildEvent } from '../process/child.ts';

export type Progress =
  | { kind: 'step'; text: string }
  | { kind: 'child'; event: ChildEvent }
  | { kind: 'warning'; text: string };

/** One line, without an end. Undefined for what only the log file needs. */
export function describeProgress(progress: Progress): string | undefined {
  if (progress.kind === 'step') return progress.text;
  if (progress.kind === 'warning') return `warning: ${progress.text}`;
  const { event } = progress;
  switch (event.kind) {
    case 'started':
      return `${event.name} is ready (${Math.round(event.ms)} ms)`;
    case 'exited':
      return `${event.name} ${event.reason}; starting it again${after(event.restartInMs)}`;
    case 'restart_failed':
      return `${event.name}: ${event.reason.split('\n')[0]}; trying again${after(event.restartInMs)}`;
    case 'stopped':
      return `${event.name} has stopped`;
    case 'warning':
      return `${event.name}: ${event.text}`;
    case 'log_rotated':
      return undefined;
  }
}

function after(ms: number): string {
  return ms === 0 ? '' : ` in ${ms / 1000} s`;
}
