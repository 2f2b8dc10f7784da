/** Finds and ends processes an earlier, killed run left behind, so that nothing ever runs twice on one folder. */
import { readdirSync, readlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { limits } from '../limits.ts';
import { argumentsOf, identityOf, isAlive, type ProcessIdentity } from './identity.ts';

/** Live processes whose working folder is `dir` (a real path). Empty where there is no /proc. */
export function processesIn(dir: string): ProcessIdentity[] {
  return scan((pid) => workingFolder(pid) === dir);
}

/** Live processes with exactly this argument, such as the path of a configuration of ours. */
export function processesWith(argument: string): ProcessIdentity[] {
  return scan((pid) => argumentsOf(pid)?.includes(argument) === true);
}

/**
 * Sends each signal in turn and waits its time until all of them are gone; the last resort is
 * SIGKILL to the process and the group it leads.
 * @returns those that survived even that (a process in an uninterruptible wait), normally none
 */
export async function endProcesses(
  processes: readonly ProcessIdentity[],
  steps: readonly { signal: NodeJS.Signals; waitMs: number }[],
): Promise<ProcessIdentity[]> {
  let alive = processes.filter(isAlive);
  for (const step of [...steps, { signal: 'SIGKILL', waitMs: limits.killMs } as const]) {
    if (alive.length === 0) return [];
    for (const one of alive) {
      sendSignal(one.pid, step.signal);
      if (step.signal === 'SIGKILL') sendSignal(-one.pid, step.signal);
    }
    alive = await waitGone(alive, step.waitMs);
  }
  return alive;
}

/** Signals a process, or with a negative pid its group; false when there is none any more. */
export function sendSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false; // gone meanwhile, or a group it does not lead
  }
}

async function waitGone(processes: readonly ProcessIdentity[], waitMs: number) {
  const end = performance.now() + waitMs;
  let alive = processes.filter(isAlive);
  while (alive.length > 0 && performance.now() < end) {
    await delay(10);
    alive = alive.filter(isAlive);
  }
  return alive;
}

function scan(matches: (pid: number) => boolean): ProcessIdentity[] {
  if (process.platform !== 'linux') return [];
  const found: ProcessIdentity[] = [];
  for (const name of readdirSync('/proc').slice(0, limits.processScan)) {
    if (!/^\d+$/.test(name)) continue;
    const pid = Number(name);
    if (pid === process.pid || !matches(pid)) continue;
    const identity = identityOf(pid);
    if (identity !== undefined) found.push(identity);
  }
  return found;
}

function workingFolder(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return undefined; // gone, a zombie, or another user's
  }
}
