/** The one error an agent's author meets: a code from the shared table, and what to do about it. */
import type { ConfigFault, ErrorCode, Fault } from '@opmas/protocol';

/** `code` is stable; `message` says what, where and how to fix; `faults` lists every fault found. */
export class AgentError extends Error {
  override readonly name = 'AgentError';
  readonly code: ErrorCode;
  readonly faults: readonly Fault[];

  constructor(
    code: ErrorCode,
    message: string,
    options: { cause?: unknown; faults?: readonly Fault[] } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.faults = options.faults ?? [];
  }
}

/** The text of anything thrown: authors throw strings and objects too. */
export function messageOf(error: unknown): string {
  if (error instanceof Error) return error.message || error.name;
  if (typeof error === 'string') return error;
  try {
    return JSON.stringify(error) ?? String(error);
  } catch {
    return 'an error that cannot be shown';
  }
}

/** Faults as they are told to others: of the error where it names some, else its text as one. Bounded. */
export function faultsIn(error: unknown): ConfigFault[] {
  const named = error instanceof AgentError && error.faults.length > 0 ? error.faults : undefined;
  const faults = named ?? [{ path: '', message: messageOf(error) }];
  return faults
    .slice(0, 50)
    .map(({ path, message }) => ({ path: path.slice(0, 512), message: message.slice(0, 1_024) }));
}

/** `path: message; …` of at most five faults. */
export function describeFaults(faults: readonly Fault[]): string {
  const shown = faults.slice(0, 5).map((f) => (f.path ? `${f.path}: ${f.message}` : f.message));
  if (faults.length > shown.length) shown.push(`and ${faults.length - shown.length} more`);
  return shown.join('; ');
}
